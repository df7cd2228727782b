"""A request's place in the queue in front of the framework, kept in its state."""

from starlette.requests import Request
from starlette.types import Scope

from billing.http.shares import TakenPlace

_PLACE = "place"


def keep_place(scope: Scope, place: TakenPlace) -> None:
    """Remember the place that this request has taken."""
    scope["state"][_PLACE] = place


def give_up_place(request: Request) -> None:
    """Let another request in: this one goes on to wait elsewhere, without a thread or a connection."""
    request.scope["state"][_PLACE].give_up()
