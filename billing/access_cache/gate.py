"""The ASGI application in front of the framework: answers who may read what from the cache, and passes all else on."""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from os import urandom

import psycopg
from psycopg_pool import AsyncConnectionPool
from starlette.types import ASGIApp, Receive, Scope, Send

from billing.access_cache import questions
from billing.access_cache.answer_builder import AnswerBuilder, CookieNames
from billing.access_cache.cache import AccessAnswer, AccessCache, Reply
from billing.access_cache.callers import Callers
from billing.access_cache.change_listener import ChangeListener
from billing.access_cache.load import Loader
from billing.access_cache.metrics import FRAMEWORK, GateMetrics
from billing.access_cache.presented import PresentedCredentials, presented_in
from billing.container import Services
from billing.http import cookies
from billing.http.headers import machine_headers
from billing.http.limits import MOST_ARTICLES
from billing.platform.clock import HELD_NOW, HeldClock, SystemClock

CONNECTIONS = 8
"""To the database, for lookups; one more listens."""
PATIENCE = 2.0
"""Seconds for which a request waits for a connection; then the framework answers, or reports that the database is away."""
MOST_LOOKUPS = 6
"""For one answer. If it takes more, facts change faster than they can be looked up, and the framework answers."""
BROKE = "the gate broke; the framework answers"
log = logging.getLogger("billing.access_cache")
SECONDS = SystemClock.seconds


class Gate:
    """Plain ASGI, in front of the framework."""

    def __init__(self, app: ASGIApp, services: Services) -> None:
        self.app = app
        self.services = services
        address = services.database.address
        self.cache = AccessCache(services.settings.standings_in_memory, services.monotonic)
        self.listener = ChangeListener(address, self.cache.invalidate, self.cache.clear, services.monotonic)
        self.pool = AsyncConnectionPool(
            address,
            min_size=1,
            max_size=CONNECTIONS,
            open=False,
            timeout=PATIENCE,
            kwargs={"autocommit": True},
        )
        self.loader = Loader(self.pool, services.site, self.cache, self.listener, services.monotonic)
        self.metrics = GateMetrics(self.cache, self.listener)
        self.builder = AnswerBuilder(services.site, *_names_and_headers(services))
        self.callers = Callers(services, self.builder, self.loader)
        self._clock = services.clock
        self._seconds = services.monotonic.seconds
        self._is_held = isinstance(services.clock, HeldClock)
        self._always_looks_up = self._is_held or not self.cache.most
        self._open = False
        self._ids = _request_ids()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Listen and look up while the block runs; before and after, every request goes to the framework."""
        async with self.pool:
            listening = asyncio.create_task(self.listener.listen())
            self._open = True
            try:
                yield
            finally:
                self._open = False
                listening.cancel()
                with suppress(asyncio.CancelledError):
                    await listening

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or pass the request on."""
        if scope["type"] != "http" or not self._open:
            await self.app(scope, receive, send)
            return
        began = self._seconds()
        reply = self._at_once(scope, began) or await self._after_lookups(scope, receive, send, began)
        if reply is None:
            return
        route, reason, status, headers, body = reply
        with_id = [*headers, next(self._ids)]
        await send({"type": "http.response.start", "status": status, "headers": with_id})
        await send({"type": "http.response.body", "body": body})
        self.metrics.answered(route, reason, self._seconds() - began)
        if self.cache.used_keys:
            await self._note_keys()

    def _at_once(self, scope: Scope, now: float) -> Reply | None:
        """The reply to a question about one article that needs no lookup: most requests."""
        route, article_id = questions.article_in(scope["path"])
        if route is None:
            return None
        if now >= self.listener.fresh_until or self._always_looks_up:
            return None
        if not questions.names_one(scope, article_id):
            return None
        headers, query = scope["headers"], scope["query_string"]
        try:
            answer = None
            if not query:
                answer = self.builder.fast_path(self.cache, headers, article_id, SECONDS(), now)
            if answer is None and (who := presented_in(headers, query)):
                found = self.builder.answers(self.cache, who, (article_id,), self._clock.now(), now)
                answer = found[0] if isinstance(found, list) else None
            return None if answer is None else self.builder.reply(route, answer)
        except Exception:
            log.exception(BROKE)  # a fault of ours locks no payer out
            return None

    async def _after_lookups(self, scope: Scope, receive: Receive, send: Send, began: float) -> Reply | None:
        """The reply that takes lookups, or reading a body; None if the framework has answered."""
        route = questions.route_of(scope)
        if route is None:
            await self.app(scope, receive, send)
            return None
        question, receive = await questions.read(scope, receive, route)
        answers = await self._answer(scope, question.who, question.articles) if question else None
        if answers is None or question is None:
            await self._pass_on(scope, receive, send, route, began)
            return None
        if question.wrap is None:
            return self.builder.reply(route, answers[0])
        return self.builder.with_body(route, questions.ALL, question.wrap(answers))

    async def _answer(
        self, scope: Scope, who: PresentedCredentials, articles: Sequence[str]
    ) -> list[AccessAnswer] | None:
        """The answers; None if only the framework can say, which then learns who asks. Without articles, only that is looked up."""
        self.callers.begin(scope)
        at, is_fresh = self._clock.now() if not self._is_held else None, self.listener.is_fresh
        try:
            if at is None:
                at, is_fresh = await self._held_now()
            cache = self.cache
            if not (is_fresh and cache.most):
                # A stale cache is not trusted: this request looks up all it needs, for itself alone.
                cache = AccessCache(MOST_ARTICLES, self.services.monotonic)
                self.metrics.bypassed += 1
            return await self._look_up_and_answer(scope, cache, who, articles, at)
        except (psycopg.Error, OSError):
            # The framework has connections of its own, and knows how to report that the database is away.
            if at is not None:
                self.callers.identify_cached(scope, self.cache, who, at)
        except Exception:
            log.exception(BROKE)
        return None

    async def _look_up_and_answer(
        self,
        scope: Scope,
        cache: AccessCache,
        who: PresentedCredentials,
        articles: Sequence[str],
        at: datetime,
    ) -> list[AccessAnswer] | None:
        lookups, absent, now = 0, None, self._seconds()
        found = self.builder.answers(cache, who, articles, at, now) if articles else None
        while isinstance(found, tuple):
            lookups += 1
            self.metrics.misses[found[0]] += 1
            if lookups > MOST_LOOKUPS or not await self.callers.fill(scope, cache, found, at):
                found, absent = None, found
            else:
                found = self.builder.answers(cache, who, articles, at, now)
        if found is None:
            await self.callers.identify(scope, cache, who, at, absent)
        else:
            self.metrics.looked_up += lookups > 0
        return found

    async def _held_now(self) -> tuple[datetime, bool]:
        """The time of a held clock, and whether every change before it has been reported.

        Its row is locked while the clock is moved, so this waits. In a story, what was done a moment ago must count at once."""
        async with self.pool.connection() as connection:
            row = await (await connection.execute(HELD_NOW)).fetchone()
            at = row[0] if row is not None else await asyncio.to_thread(self._clock.now)
            return at, await self.listener.catch_up(connection)

    async def _note_keys(self) -> None:
        """Write down which keys were used, after the answer. A note that fails is no loss: another follows in a minute."""
        used, self.cache.used_keys = self.cache.used_keys, []
        with suppress(psycopg.Error, OSError):
            for digest in used:
                await self.loader.note_key(digest, await asyncio.to_thread(self._clock.now))

    async def _pass_on(self, scope: Scope, receive: Receive, send: Send, route: str, began: float) -> None:
        if not self.callers.has_begun(scope):
            who = presented_in(scope["headers"], b"")
            if who is not None and (who.bearer or who.cookie):
                await self._answer(scope, who, ())
        try:
            await self.app(scope, receive, send)
        finally:
            self.metrics.answered(route, FRAMEWORK, self._seconds() - began)


def _names_and_headers(services: Services) -> tuple[CookieNames, list[tuple[bytes, bytes]]]:
    """The names of our cookies, and the headers that every machine's answer carries, as bytes."""
    ours = (cookies.SESSION, cookies.VISITOR, cookies.GIFT)
    names = CookieNames(*(cookies.cookie_name(services.settings, name).encode() + b"=" for name in ours))
    headers = machine_headers(services.settings).items()
    return names, [(name.lower().encode(), value.encode()) for name, value in headers]


def _request_ids() -> Iterator[tuple[bytes, bytes]]:
    """Random ids without end, made many at once."""
    while True:
        many = urandom(8192).hex().encode()
        for at in range(0, len(many), 16):
            yield b"x-request-id", many[at : at + 16]
