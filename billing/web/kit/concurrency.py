"""Limits concurrent requests on routes that strangers can make expensive, so that the others keep threads and connections.

Programs with a valid API key and signed-in readers have places of their own, once the access cache has verified them: what a
request claims is no proof. Without a free place a request waits in a short queue; behind that it is refused at once."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import anyio
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from billing.container import Services
from billing.http.access_paths import EVALUATION, EVALUATIONS, GATE, MANY, ONE
from billing.http.asker import ASKER, TOO_MANY, Asker, AskerKind
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
    """So many requests at once, and so many that wait. With `shares`, one party gets at most half of each."""

    def __init__(self, at_once: int, waiting: int, *, shares: bool = True) -> None:
        most, part = at_once + waiting, 2 if shares else 1
        self._limiter = anyio.CapacityLimiter(at_once)
        self._turns = Turns(most, each=most // part, at_once=at_once // part)
        self.is_full = self._turns.is_full

    @asynccontextmanager
    async def place(self, name: str) -> AsyncIterator[None]:
        """A place for one request of this party. Check `is_full` first, with no `await` in between."""
        async with self._turns.turn(name), self._limiter:
            yield


class ConcurrencyLimit:
    """Plain ASGI, in front of the framework. A place is held neither while a body arrives nor while an answer is sent: a slow
    client, real or pretended, holds nothing."""

    def __init__(self, app: ASGIApp, services: Services) -> None:
        self.app = app
        self.services = services
        # programs have no shares: one key may ask for all readers of a site
        self.one = {
            AskerKind.PROGRAM: Places(8, 128, shares=False),
            AskerKind.READER: Places(6, 128),
            AskerKind.STRANGER: Places(6, 128),
        }
        self.many = {
            AskerKind.PROGRAM: Places(4, 32, shares=False),
            AskerKind.READER: Places(2, 16),
            AskerKind.STRANGER: Places(2, 16),
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on when a place is free."""
        kinds = self._kinds(scope)
        if kinds is None:
            await self.app(scope, receive, send)
            return
        request = Request(scope)
        asker = scope["state"].get(ASKER) or self._stranger(request)
        if asker == TOO_MANY:
            await answer_refusal(request, Busy())(scope, receive, send)
            return
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
        finally:  # a request that failed has an answer too
            for message in answer:
                await send(message)

    def _kinds(self, scope: Scope) -> Mapping[AskerKind, Places] | None:
        path: str = scope["path"] if scope["type"] == "http" else ""
        if path in (MANY, EVALUATIONS):
            return self.many
        return self.one if path.startswith((ONE, GATE)) or path == EVALUATION else None

    def _stranger(self, request: Request) -> Asker:
        """The widest network of the address: one customer's many IPv6 networks share its places."""
        return Asker(AskerKind.STRANGER, networks.buckets(client_ip(request, self.services))[-1].name)
