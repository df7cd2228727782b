"""Few requests at once for the routes that strangers can make expensive, so that threads and connections are left for all others.

Programs whose API key works and readers who are signed in have places of their own, once the access cache or the database knows
them: what a request says of itself is no proof. Who finds no place waits in a short queue; behind that it is refused at once."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import anyio
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from billing.container import Services
from billing.http.access_paths import EVALUATION, EVALUATIONS, GATE, MANY, ONE
from billing.http.asker import ASKER, Asker, AskerKind
from billing.http.bodies import read_ahead
from billing.http.client_ip import client_ip
from billing.http.shares import Turns
from billing.platform.errors import Unavailable
from billing.rules import networks
from billing.web.kit.problems import answer_refusal


class Busy(Unavailable):
    """Too many ask at once. Ask again in a few seconds."""

    code = "busy"
    retry_after = 2


class Places:
    """So many requests at once, and so many that wait for one of them to end. Without `shares` one party may take them all."""

    def __init__(self, at_once: int, waiting: int, *, shares: bool = True) -> None:
        most, part = at_once + waiting, 2 if shares else 1
        self._limiter = anyio.CapacityLimiter(at_once)
        self._turns = Turns(most, each=most // part, at_once=at_once // part)
        self.is_full = self._turns.is_full

    @asynccontextmanager
    async def place(self, name: str) -> AsyncIterator[None]:
        """A place for one request of this party's. The caller has asked whether it is full, with no `await` since."""
        async with self._turns.turn(name), self._limiter:
            yield


def one_article() -> Mapping[AskerKind, Places]:
    """For questions about one article. A site may ask for all of its readers with one key."""
    return {
        AskerKind.PROGRAM: Places(8, 128, shares=False),
        AskerKind.READER: Places(6, 128),
        AskerKind.STRANGER: Places(6, 128),
    }


def many_articles() -> Mapping[AskerKind, Places]:
    """For questions about many."""
    return {
        AskerKind.PROGRAM: Places(4, 32, shares=False),
        AskerKind.READER: Places(2, 16),
        AskerKind.STRANGER: Places(2, 16),
    }


class ConcurrencyLimit:
    """Plain ASGI, in front of the framework. A place is held neither while a body comes in nor while an answer goes out: a client
    that is slow, or pretends to be, holds nothing."""

    def __init__(self, app: ASGIApp, services: Services) -> None:
        self.app = app
        self.services = services
        self.one, self.many = one_article(), many_articles()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on when there is a place."""
        kinds = self._kinds(scope)
        if kinds is None:
            await self.app(scope, receive, send)
            return
        request = Request(scope)
        asker = scope["state"].get(ASKER) or self._stranger(request)
        places = kinds[asker.kind]
        _, again = await read_ahead(receive)
        if places.is_full(asker.name):
            await answer_refusal(request, Busy())(scope, again, send)
            return
        answer: list[Message] = []

        async def keep(message: Message) -> None:
            answer.append(message)

        try:
            async with places.place(asker.name):
                await self.app(scope, again, keep)
        finally:  # what broke has been answered too
            for message in answer:
                await send(message)

    def _kinds(self, scope: Scope) -> Mapping[AskerKind, Places] | None:
        path: str = scope["path"] if scope["type"] == "http" else ""
        if path in (MANY, EVALUATIONS):
            return self.many
        return self.one if path.startswith((ONE, GATE)) or path == EVALUATION else None

    def _stranger(self, request: Request) -> Asker:
        """A network's: its widest, so that a site of IPv6 has no more than a customer."""
        return Asker(AskerKind.STRANGER, networks.buckets(client_ip(request, self.services))[-1].name)
