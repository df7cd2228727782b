"""A request's place in the queue in front of the framework, kept in its state."""

from contextlib import AsyncExitStack

from starlette.requests import Request
from starlette.types import Scope

PLACE = "place"


def keep_place(scope: Scope, place: AsyncExitStack) -> None:
    """Remember the place that this request has taken."""
    scope["state"][PLACE] = place


async def give_up_place(request: Request) -> None:
    """Let another request in: this one goes on to wait elsewhere, without a thread or a connection."""
    await request.scope["state"][PLACE].aclose()
