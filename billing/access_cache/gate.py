"""The first thing a request meets. Who may read what is answered here, from memory, where memory knows; all else goes on."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import datetime
from os import urandom
from typing import Any

import psycopg
from psycopg_pool import AsyncConnectionPool
from starlette.types import ASGIApp, Receive, Scope, Send

from billing.access_cache import authzen
from billing.access_cache.answer_builder import KEY_PREFIX, Asked, Names, Recall, asked
from billing.access_cache.callers import Askers
from billing.access_cache.change_listener import Line
from billing.access_cache.load import Loader, Missing
from billing.access_cache.memory import Answer, Header, Memory, Reply, Told
from billing.access_cache.metrics import FRAMEWORK, Measures
from billing.container import Parts
from billing.http import cookies
from billing.http.access_paths import EVALUATION, EVALUATIONS, GATE, MANY, ONE
from billing.http.bodies import read_ahead
from billing.http.headers import machine_headers
from billing.http.limits import MOST_ARTICLES, MOST_BYTES, MOST_WITHOUT_KEY
from billing.http.shapes import LONGEST
from billing.platform.clock import HELD_NOW, HeldClock, SystemClock

ONE_LENGTH, GATE_LENGTH = len(ONE), len(GATE)
CONNECTIONS = 8
"""To the database, for what isn't in memory; one more listens."""
PATIENCE = 2.0
"""Seconds for which a request waits for one of them; then the framework answers, or says that the database is away."""
MOST_LOOKS = 6
"""For one answer. Where more would be needed, things change faster than they can be looked up: the framework asks once."""
ALL = "all"
"""The reason of an answer about several articles."""
BROKE = "the gate broke; the framework answers"
"""A fault of ours locks no payer out."""
log = logging.getLogger("billing.access_cache")
SECONDS = SystemClock.seconds


class Gate:
    """Plain ASGI, in front of the framework."""

    def __init__(self, app: ASGIApp, parts: Parts) -> None:
        self.app = app
        self.parts = parts
        address = parts.database.address
        self.memory = Memory(parts.settings.standings_in_memory, parts.monotonic)
        self.line = Line(address, self.memory.hear, self.memory.clear, parts.monotonic)
        self.pool = AsyncConnectionPool(
            address,
            min_size=1,
            max_size=CONNECTIONS,
            open=False,
            timeout=PATIENCE,
            kwargs={"autocommit": True},
        )
        self.loader = Loader(self.pool, parts.office, self.memory, self.line, parts.monotonic)
        self.measures = Measures(self.memory, self.line, self.loader)
        security = [
            (name.lower().encode(), value.encode()) for name, value in machine_headers(parts.settings).items()
        ]
        names = Names(
            *(
                cookies.named(parts.settings, name).encode() + b"="
                for name in (cookies.SESSION, cookies.VISITOR, cookies.GIFT)
            )
        )
        self.recall = Recall(parts.office, names, security)
        self.askers = Askers(parts, self.recall, self.loader)
        self._clock = parts.clock
        self._seconds = parts.monotonic.seconds
        self._is_held = isinstance(parts.clock, HeldClock)
        self._never_at_once = self._is_held or not self.memory.most
        self._open = False
        self._ids = _request_ids()

    @asynccontextmanager
    async def living(self) -> AsyncIterator[None]:
        """Listen, and look up, while the web process lives. Without it every request goes on to the framework."""
        async with AsyncExitStack() as stack:
            await self.pool.open(wait=False)
            stack.push_async_callback(self.pool.close)
            listening = asyncio.create_task(self.line.listen())
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
        reply = self._at_once(scope, began) or await self._in_time(scope, receive, send, began)
        if reply is None:
            return
        route, reason, status, headers, body = reply
        with_id = [*headers, next(self._ids)]
        await send({"type": "http.response.start", "status": status, "headers": with_id})
        await send({"type": "http.response.body", "body": body})
        self.measures.answered(route, reason, self._seconds() - began)
        if self.memory.used_keys:
            await self._note_keys()

    def _at_once(self, scope: Scope, now: float) -> Reply | None:
        """The reply where nothing has to be waited for: the one way that most requests take."""
        path: str = scope["path"]
        if path.startswith(ONE):
            article_id, route = path[ONE_LENGTH:], "access"
        elif path.startswith(GATE):
            article_id, route = path[GATE_LENGTH:], "gate"
        else:
            return None
        if now >= self.line.believed_until or self._never_at_once or not _names_one(scope, article_id):
            return None
        headers: list[Header] = scope["headers"]
        answer: tuple[bytes, Told] | None = None
        try:
            if not scope["query_string"]:
                answer = self.recall.at_once(self.memory, headers, article_id, SECONDS(), now)
            if answer is None:
                answer = self._remembered(headers, scope["query_string"], article_id, now)
        except Exception:
            log.exception(BROKE)
        return None if answer is None else self.recall.reply(route, *answer)

    def _remembered(self, headers: list[Header], query: bytes, article_id: str, now: float) -> Answer | None:
        who = asked(headers, query)
        found = who and self.recall.answer(self.memory, who, article_id, self._clock.now(), now)
        return found if isinstance(found, Answer) else None

    async def _in_time(self, scope: Scope, receive: Receive, send: Send, began: float) -> Reply | None:
        """The reply that takes a look into the database, or a body to be read; None where the framework has answered."""
        path: str = scope["path"]
        if path in (EVALUATION, EVALUATIONS):
            return await self._evaluate(scope, receive, send, path, began)
        if path.startswith(ONE):
            return await self._one(scope, receive, send, path[ONE_LENGTH:], "access", began)
        if path.startswith(GATE):
            return await self._one(scope, receive, send, path[GATE_LENGTH:], "gate", began)
        if path == MANY and scope["method"] == "POST":
            return await self._many(scope, receive, send, began)
        await self.app(scope, receive, send)
        return None

    async def _one(
        self, scope: Scope, receive: Receive, send: Send, article_id: str, route: str, began: float
    ) -> Reply | None:
        who = asked(scope["headers"], scope["query_string"]) if _names_one(scope, article_id) else None
        told = await self._answer(scope, who, (article_id,)) if who is not None else None
        if told is None:
            await self._pass_on(scope, receive, send, route, began)
            return None
        return self.recall.reply(route, *told[0])

    async def _many(self, scope: Scope, receive: Receive, send: Send, began: float) -> Reply | None:
        who = asked(scope["headers"], scope["query_string"])
        body, again = await _read(scope, receive) if who is not None else (None, receive)
        wanted = _wanted(body) if body is not None else None
        told = None
        if who is not None and wanted is not None and len(wanted[0]) <= _most_articles(who):
            articles, reader_id = wanted
            who = who if reader_id is None else who._replace(named=who.named | {"reader_id": reader_id})
            told = await self._answer(scope, who, articles)
        if told is None:
            await self._pass_on(scope, again, send, "bulk", began)
            return None
        return self.recall.with_body(
            "bulk", ALL, b"[%b]" % b",".join([head + one.tail for head, one in told])
        )

    async def _evaluate(
        self, scope: Scope, receive: Receive, send: Send, path: str, began: float
    ) -> Reply | None:
        headers: list[tuple[bytes, bytes]] = scope["headers"]
        is_plain = scope["method"] == "POST" and not scope["query_string"]
        is_plain = is_plain and all(name != b"x-request-id" for name, _ in headers)  # it is answered with
        who = asked(headers, b"") if is_plain else None
        told = question = None
        again = receive
        if who is not None and who.bearer.startswith(KEY_PREFIX):
            body, again = await _read(scope, receive)
            if body is not None:
                question = authzen.one(body) if path == EVALUATION else authzen.many(body)
            if question is not None:
                subject = who._replace(cookie=b"", named=question.named)
                told = await self._answer(scope, subject, question.articles)
        if told is None or question is None:
            await self._pass_on(scope, again, send, "authzen", began)
            return None
        answers = authzen.evaluated(question, told)
        whole = answers[0] if path == EVALUATION else b'{"evaluations":[%b]}' % b",".join(answers)
        return self.recall.with_body("authzen", ALL, whole)

    async def _answer(self, scope: Scope, who: Asked, articles: Sequence[str]) -> list[Answer] | None:
        """The answers; None where the framework must say, which is told who asks. About no article that alone is looked up."""
        self.askers.begin(scope)
        at, now, is_up = self._clock.now() if not self._is_held else None, self._seconds(), self.line.is_up
        try:
            if at is None:
                at, is_up = await self._held_now()
            # when the line is down nothing is believed: what is needed is looked up, for this request alone
            memory = (
                self.memory if is_up and self.memory.most else Memory(MOST_ARTICLES, self.parts.monotonic)
            )
            if memory is not self.memory:
                self.measures.bypassed += 1
            looks, absent = 0, None
            while True:
                found = self._recall(memory, who, articles, at, now) if articles else None
                if not isinstance(found, tuple):
                    self.measures.looked += found is not None and looks > 0
                    break
                looks += 1
                self.measures.misses[found[0]] += 1
                if looks > MOST_LOOKS or not await self.askers.fill(scope, memory, found, at):
                    found, absent = None, found
                    break
            if found is None:
                await self.askers.tell(scope, memory, who, at, now, absent)
            return found
        except (psycopg.Error, OSError):
            # the framework asks on connections of its own, and knows how to say that there is nobody
            if at is not None:
                self.askers.tell_known(scope, self.memory, who, at, now)
            return None
        except Exception:
            log.exception(BROKE)
            return None

    def _recall(
        self, memory: Memory, who: Asked, articles: Sequence[str], at: datetime, now: float
    ) -> list[Answer] | Missing | None:
        held = self.recall.held(memory, who, at, now)
        if not isinstance(held, int):
            return held
        return self.recall.about(memory, who, articles, held, at, now)

    async def _held_now(self) -> tuple[datetime, bool]:
        """The time where it is held, which waits while it is being moved; and whether all that led to it has been heard:
        in a story what was done a moment ago is true at once."""
        async with self.pool.connection() as connection:
            row = await (await connection.execute(HELD_NOW)).fetchone()
            at = row[0] if row is not None else await asyncio.to_thread(self._clock.now)
            return at, await self.line.catch_up(connection)

    async def _note_keys(self) -> None:
        """Write down which keys were used, a minute apart, after the answer. What can't be written now isn't missed."""
        used, self.memory.used_keys = self.memory.used_keys, []
        with suppress(psycopg.Error, OSError):
            for digest in used:
                await self.loader.note_key(digest, await asyncio.to_thread(self._clock.now))

    async def _pass_on(self, scope: Scope, receive: Receive, send: Send, route: str, began: float) -> None:
        if not self.askers.has_begun(scope):
            who = asked(scope["headers"], b"")
            if who is not None and (who.bearer or who.cookie):
                await self._answer(scope, who, ())
        try:
            await self.app(scope, receive, send)
        finally:
            self.measures.answered(route, FRAMEWORK, self._seconds() - began)


def _most_articles(who: Asked) -> int:
    """How many are answered at once; who asks about more without a key is refused by the framework."""
    return MOST_ARTICLES if who.bearer.startswith(KEY_PREFIX) else MOST_WITHOUT_KEY


def _request_ids() -> Iterator[Header]:
    """Random ones without end, made many at once."""
    while True:
        many = urandom(8192).hex().encode()
        for at in range(0, len(many), 16):
            yield b"x-request-id", many[at : at + 16]


def _names_one(scope: Scope, article_id: str) -> bool:
    """Whether somebody would read the one article that the path ends with."""
    return scope["method"] == "GET" and article_id != "" and "/" not in article_id


async def _read(scope: Scope, receive: Receive) -> tuple[bytes | None, Receive]:
    """A body that says it is JSON and how long it is, and is short enough; and how to read it again from its beginning."""
    sizes = [value for name, value in scope["headers"] if name == b"content-length"]
    kinds = [value for name, value in scope["headers"] if name == b"content-type"]
    if len(sizes) != 1 or not sizes[0].isdigit() or int(sizes[0]) > MOST_BYTES:
        return None, receive
    if len(kinds) != 1 or kinds[0].partition(b";")[0].strip().lower() != b"application/json":
        return None, receive
    return await read_ahead(receive)


def _wanted(body: bytes) -> tuple[list[str], str | None] | None:
    """The articles and the reader that a body names in the plainest way; None for any other: the framework says what is wrong."""
    try:
        given: Any = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if type(given) is not dict or not given.keys() <= {"articles", "reader_id"}:
        return None
    articles, reader_id = given.get("articles"), given.get("reader_id")
    if type(articles) is not list or not 1 <= len(articles) <= MOST_ARTICLES:
        return None
    if set(map(type, articles)) != {str} or max(map(len, articles)) > LONGEST:
        return None
    if list(map(str.strip, articles)) != articles:
        return None
    if reader_id is None:
        return articles, None
    plain = type(reader_id) is str and len(reader_id) <= 64 and reader_id == reader_id.strip()
    return (articles, reader_id) if plain else None
