"""The ASGI application in front of the framework: answers who may read what from the cache, and passes all else on."""

import asyncio
import logging
import re
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from os import urandom
from typing import ClassVar, TypeVar

import psycopg
from psycopg_pool import AsyncConnectionPool
from starlette.types import ASGIApp, Receive, Scope, Send

from billing.access_cache import questions
from billing.access_cache.answer_builder import AnswerBuilder, AnswerHeaders, CookieNames
from billing.access_cache.cache import UNIT, AccessCache
from billing.access_cache.callers import Callers
from billing.access_cache.change_listener import ChangeListener
from billing.access_cache.decider import AccessLookup, Decider
from billing.access_cache.entries import AccessAnswer, Reply
from billing.access_cache.identifier import Identifier
from billing.access_cache.load import Loader, Missing
from billing.access_cache.metrics import FRAMEWORK, GateMetrics
from billing.access_cache.presented import presented_in
from billing.access_cache.questions import Question
from billing.access_cache.token_issuer import TokenIssuer
from billing.access_cache.visitor_states import VisitorStates
from billing.access_cache.waiting_places import TooManyWaiting, WaitingPlaces
from billing.container import Services
from billing.http.access_paths import EVALUATION, EVALUATIONS, GATE, MANY, ONE
from billing.http.asker import AskerKind
from billing.http.at_once import SEND_READY, AnswerHead, Ready, SendReady
from billing.http.limits import MOST_ARTICLES
from billing.platform.clock import HELD_NOW, HeldClock, SystemClock
from billing.platform.database_address import connection_parameters

PATIENCE = 2.0
"""Seconds for which a request waits for a connection; then the framework answers, or reports that the database is away."""
MOST_LOOKUPS = 10
"""For one answer. If it takes more, facts change faster than they can be looked up, and the framework answers."""
LOOKUPS = "masthead: looks up access"
"""Name of these connections at the database."""
FOUND = "masthead.found"
"""Key in a request's scope: what was found for it before the gate is called."""
BROKE = "the gate broke; the framework answers"
Answer = TypeVar("Answer", list[AccessAnswer], bytes, None)
Find = Callable[[AccessCache, AccessLookup, datetime, float], Answer | Missing | None]
"""Finds an answer in a cache, at an instant and a monotonic time; or what is missing. None: only the framework can say."""
log = logging.getLogger("billing.access_cache")
SECONDS = SystemClock.seconds
"""For the fast path, which a held clock never takes (`_always_looks_up`)."""


class Gate:
    """Plain ASGI, in front of the framework. It answers at once where memory has all that an answer takes."""

    addresses: ClassVar = {
        b"GET": re.compile(f"(?:{ONE}|{GATE})[-.0-9A-Z_a-z~:;@!$&'()*+,=]+(?:[?][^#]*)?".encode()),
        b"POST": re.compile(f"{MANY}|{EVALUATION}|{EVALUATIONS}".encode()),
    }

    def __init__(self, app: ASGIApp, services: Services) -> None:
        self.app = app
        self.services = services
        address = services.database.address
        self.cache = AccessCache(services.settings.standings_in_memory, services.monotonic)
        self.listener = ChangeListener(address, self._changed, self._cut, services.monotonic)
        self.on_change: list[Callable[[str], None]] = []
        """Called with the kind of facts that changed; empty if any may have. Each notification means one call, in the event loop."""
        self.pool = AsyncConnectionPool(
            min_size=1,
            max_size=services.settings.access_connections,
            open=False,
            timeout=PATIENCE,
            # after this the next request tries at once; by default the pauses grow to minutes, also when the database is back
            reconnect_timeout=PATIENCE,
            kwargs={"autocommit": True, **connection_parameters(address, LOOKUPS)},
        )
        self.loader = Loader(self.pool, services.site, self.cache, self.listener, services.monotonic)
        self.metrics = GateMetrics(self.cache, self.listener)
        site, names = services.site, CookieNames.of(services.settings)
        self.visitors = VisitorStates(self.pool, site, services.limits, self.cache, self.listener)
        self.identifier = Identifier(site, names.session)
        self.builder = AnswerBuilder(
            site, services.limits, names.session, AnswerHeaders.of(services.settings)
        )
        self.decider = Decider(site, names, self.identifier, self.builder)
        self.issuer = TokenIssuer(site, self.identifier)
        self.callers = Callers(services, self.identifier, self.loader)
        self.places = {kind: WaitingPlaces() for kind in AskerKind}
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

    def _changed(self, payload: str) -> None:
        self.cache.invalidate(payload)
        self._call_on_change(payload.partition(UNIT)[0])

    def _cut(self) -> None:
        self.cache.clear()
        self._call_on_change("")

    def _call_on_change(self, kind: str) -> None:
        for changed in self.on_change:
            changed(kind)

    def at_once(self, scope: Scope, body: bytes) -> Ready | None:
        """The answer, if memory has all that it takes."""
        if not self._open:
            return None
        began = self._seconds()
        found = self._from_memory(scope, body, began)
        # The use of a key is written down after the answer, for which `__call__` can wait.
        if not isinstance(found, tuple) or self.cache.used_keys:
            scope[FOUND] = found
            return None
        route, reason, head, content = found
        self.metrics.answered(route, reason, self._seconds() - began)
        return self._ready(head, content)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or pass the request on."""
        if scope["type"] != "http" or not self._open:
            await self.app(scope, receive, send)
            return
        began = self._seconds()
        found = scope.pop(FOUND) if FOUND in scope else self._from_memory(scope, b"", began)
        reply = (
            found
            if isinstance(found, tuple)
            else await self._after_lookups(scope, receive, send, began, found)
        )
        if reply is None:
            return
        route, reason, head, body = reply
        send_ready: SendReady | None = scope.get(SEND_READY)
        if send_ready is None or not send_ready(self._ready(head, body)):
            with_id = [*head.headers, (b"x-request-id", next(self._ids))]
            await send({"type": "http.response.start", "status": head.status, "headers": with_id})
            await send({"type": "http.response.body", "body": body})
        self.metrics.answered(route, reason, self._seconds() - began)
        if self.cache.used_keys:
            await self._note_keys()

    def _ready(self, head: AnswerHead, body: bytes) -> Ready:
        return b"%bx-request-id: %b\r\n" % (head.wire, next(self._ids)), body

    def _from_memory(self, scope: Scope, body: bytes, now: float) -> Reply | Question | None:
        """The reply, if it needs no lookup, as most don't; else the question, if it was read. `body`: empty until it is read."""
        if now >= self.listener.fresh_until or self._always_looks_up:
            return None
        try:
            route, article_id = questions.article_in(scope["path"])
            if route is not None:
                return self._one_from_memory(scope, route, article_id, now)
            return self._many_from_memory(scope, body, now) if body else None
        except Exception:
            log.exception(BROKE)  # a fault of ours locks no payer out
            return None

    def _one_from_memory(
        self, scope: Scope, route: str, article_id: str, now: float
    ) -> Reply | Question | None:
        if not questions.names_one(scope, article_id):
            return None
        headers, query = scope["headers"], scope["query_string"]
        if not query:
            answer = self.builder.fast_path(self.cache, headers, article_id, SECONDS(), now)
            if answer is not None:
                return self.builder.reply(route, answer)
        who = presented_in(scope["method"], headers, query)
        if who is None:
            return None
        return self._known(route, Question(questions.about_one(who, route, article_id)), now)

    def _many_from_memory(self, scope: Scope, body: bytes, now: float) -> Reply | Question | None:
        route = questions.route_of(scope)
        question = questions.about_many(scope, route, body) if route is not None else None
        return self._known(route, question, now) if route is not None and question is not None else None

    def _known(self, route: str, question: Question, now: float) -> Reply | Question:
        """The reply, if memory has all that it takes; else the question, which knows what is missing."""
        found = self.decider.answers(self.cache, question.asked, self._clock.now(), now)
        if isinstance(found, list):
            return self._reply(route, question, found)
        question.asked.missing = found
        return question

    async def _after_lookups(
        self, scope: Scope, receive: Receive, send: Send, began: float, question: Question | None
    ) -> Reply | None:
        """The reply that takes lookups, or reading a body; None if the framework has answered. `question`: if it was read already."""
        route = questions.route_of(scope)
        if route is None:
            await self.app(scope, receive, send)
            return None
        if route == questions.TOKENS:
            return await self._token(scope, receive, send, began)
        if question is None:
            question, receive = await questions.read(scope, receive, route)
        answers = await self._answer(scope, question.asked, self.decider.answers) if question else None
        if answers is None or question is None:
            await self._pass_on(scope, receive, send, route, began)
            return None
        return self._reply(route, question, answers)

    async def _token(self, scope: Scope, receive: Receive, send: Send, began: float) -> Reply | None:
        who = presented_in(scope["method"], scope["headers"], scope["query_string"])
        body = (
            await self._answer(scope, AccessLookup(who, ()), self.issuer.token) if who is not None else None
        )
        if body is not None:
            return self.builder.with_body(questions.TOKENS, questions.TOKENS, body)
        await self._pass_on(scope, receive, send, questions.TOKENS, began)
        return None

    def _reply(self, route: str, question: Question, answers: list[AccessAnswer]) -> Reply:
        if question.wrap is not None:
            return self.builder.with_body(route, questions.ALL, question.wrap(answers))
        has_key = question.asked.who.has_key
        return (self.builder.reply_to_program if has_key else self.builder.reply)(route, answers[0])

    async def _answer(self, scope: Scope, asked: AccessLookup, find: Find[Answer]) -> Answer | None:
        """What `find` finds, in the end; None if only the framework can say, which then learns who asks."""
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
            return await self._look_up_and_answer(scope, cache, asked, at, find)
        except TooManyWaiting:
            self.callers.send_away(scope)
        except (psycopg.Error, OSError):
            # The framework has connections of its own, and knows how to report that the database is away.
            if at is not None:
                self.callers.identify_cached(scope, self.cache, asked.who, at)
        except Exception:
            log.exception(BROKE)
        return None

    async def _look_up_and_answer(
        self, scope: Scope, cache: AccessCache, asked: AccessLookup, at: datetime, find: Find[Answer]
    ) -> Answer | None:
        lookups, absent, now = 0, None, self._seconds()
        found = asked.missing or find(cache, asked, at, now)
        while isinstance(found, tuple):
            asked.missing = None
            lookups += 1
            self.metrics.misses[found[0]] += 1
            if lookups > MOST_LOOKUPS or not await self._fill(scope, cache, asked, found, at):
                found, absent = None, found
            else:
                found = find(cache, asked, at, now)
        if found is None:
            await self.callers.identify(scope, cache, asked.who, at, absent)
        else:
            self.metrics.looked_up += lookups > 0
        return found

    async def _fill(
        self, scope: Scope, cache: AccessCache, asked: AccessLookup, missing: Missing, at: datetime
    ) -> bool:
        """Look up or count what this request needs; whether it exists."""
        kind, wanted = missing
        if kind not in ("visitor", "count"):
            return await self.callers.fill(scope, cache, missing, at)
        places = self.places[asked.kind]
        place = places.take(lambda: self.callers.network(scope))
        try:
            if kind == "visitor":
                asked.states[wanted] = await self.visitors.look_up(wanted, at)
            else:
                asked.states[wanted.reading.visitor.id] = await self.visitors.count(wanted)
        finally:
            places.give_up(place)
        return True

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
            who = presented_in(scope["method"], scope["headers"], b"")
            if who is not None and (who.bearer or who.cookie):
                await self._answer(scope, AccessLookup(who, ()), _nothing)
        try:
            await self.app(scope, receive, send)
        finally:
            self.metrics.answered(route, FRAMEWORK, self._seconds() - began)


def _nothing(_: AccessCache, __: AccessLookup, ___: datetime, ____: float) -> None:
    """Finds nothing, so that only the asker is found out."""


def _request_ids() -> Iterator[bytes]:
    """Random ids without end, made many at once."""
    while True:
        many = urandom(8192).hex().encode()
        for at in range(0, len(many), 16):
            yield many[at : at + 16]
