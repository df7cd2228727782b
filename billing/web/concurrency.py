"""Few requests at once for the routes that strangers can make expensive, so that threads and connections are left for all others.

What is asked with an API key has places of its own. Who finds no place waits in a short queue; behind that it is refused at once."""

from dataclasses import dataclass, field

import anyio
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from billing.errors import Unavailable
from billing.rules.key_secrets import PREFIX
from billing.web.bodies import read_ahead
from billing.web.problems import GATE, answer_refusal

ONE, MANY = "/v1/access/", "/v1/access"
EVALUATION, EVALUATIONS = "/access/v1/evaluation", "/access/v1/evaluations"


class Busy(Unavailable):
    """Too many ask at once. Ask again in a few seconds."""

    code = "busy"
    retry_after = 2


@dataclass(slots=True)
class Places:
    """So many requests at once, and so many that wait for one of them to end."""

    at_once: int
    waiting: int
    limiter: anyio.CapacityLimiter = field(init=False)

    def __post_init__(self) -> None:
        self.limiter = anyio.CapacityLimiter(self.at_once)

    @property
    def is_full(self) -> bool:
        """Whether nobody else may wait."""
        return self.limiter.statistics().tasks_waiting >= self.waiting


class ConcurrencyLimit:
    """Plain ASGI, in front of the framework. A place is held neither while a body comes in nor while an answer goes out: a client
    that is slow, or pretends to be, holds nothing."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.one = {True: Places(8, 128), False: Places(8, 128)}
        """For questions about one article, by whether they come with a key."""
        self.many = {True: Places(4, 32), False: Places(2, 16)}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on when there is a place."""
        places = self._places(scope)
        if places is None:
            await self.app(scope, receive, send)
            return
        _, again = await read_ahead(receive)
        if places.is_full:
            request = Request(scope)
            await answer_refusal(request, Busy())(scope, again, send)
            return
        answer: list[Message] = []

        async def keep(message: Message) -> None:
            answer.append(message)

        try:
            async with places.limiter:
                await self.app(scope, again, keep)
        finally:  # what broke has been answered too
            for message in answer:
                await send(message)

    def _places(self, scope: Scope) -> Places | None:
        path: str = scope["path"] if scope["type"] == "http" else ""
        if path in (MANY, EVALUATIONS):
            return self.many[_has_key(scope)]
        if path.startswith((ONE, GATE)) or path == EVALUATION:
            return self.one[_has_key(scope)]
        return None


def _has_key(scope: Scope) -> bool:
    """Whether it says that it comes with an API key. One that is false is refused before anything is looked up for it."""
    start = f"bearer {PREFIX}".encode()
    return any(
        name == b"authorization" and value.lower().startswith(start) for name, value in scope["headers"]
    )
