"""One look into the database for what isn't in memory, by one indexed statement. Many who wait for the same make one look."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import AsyncConnection
from psycopg.rows import tuple_row
from psycopg_pool import AsyncConnectionPool

from billing.access import edge_tokens
from billing.access.entitled import entitlements_json, parse
from billing.access.policies import AccessTerms, policy_of
from billing.access_cache.change_listener import Line
from billing.access_cache.memory import FOR_EVER, Known, KnownKey, Memory, Signed
from billing.access_cache.packed_entitlements import pack
from billing.platform.db import storable
from billing.platform.errors import Unauthenticated
from billing.platform.monotonic import Monotonic
from billing.platform.site import Office
from billing.readers.sessions import ABSOLUTE, IDLE, TOUCH_EVERY
from billing.rules.access import AccessLevel
from billing.rules.policies import Span

Missing = tuple[str, Any]
"""What isn't in memory: its kind, and by what it is looked up."""
Watched = set[tuple[str, str | None]]

# What begins later is loaded too: the clock of the process that gave it may be a little ahead of ours.
_NOT_OVER = "(e.renews OR e.until > %(now)s)"
_HELD = entitlements_json("r.id", _NOT_OVER).replace(":zone", "%(zone)s")


def _query(text: str, visitor: str) -> str:
    """A statement with what a reader holds, and whether `visitor` (an expression) has opened a gift."""
    gifts = f"EXISTS (SELECT FROM gift_reading v WHERE v.visitor = {visitor})"
    return text.replace("{held}", f"r.id, {_HELD}, {gifts}")


STANDING = _query(
    "SELECT {held} FROM (SELECT %(name)s::text AS name) w LEFT JOIN reader r ON r.id = w.name", "w.name"
)
EXTERNAL = _query("SELECT {held} FROM reader r WHERE r.external_id = %(name)s", "r.id")
SESSION = _query(
    "SELECT {held}, e.id, e.seen_at, e.started_at FROM reader_session e JOIN reader r ON r.id = e.reader_id"
    " WHERE e.token_hash = %(name)s AND e.ended_at IS NULL",
    "r.id",
)
OPEN_SESSION = (
    "SELECT token_hash, seen_at, started_at FROM reader_session WHERE id = %(name)s AND ended_at IS NULL"
)
KEY = """
SELECT scopes ? 'access', least(expires_at, CASE WHEN key_hash <> %(name)s THEN previous_until END) FROM api_key
 WHERE (key_hash = %(name)s OR previous_hash = %(name)s) AND revoked_at IS NULL
"""
KEY_USED = """
INSERT INTO api_key_use (key_id, last_used_at)
 SELECT id, %(now)s FROM api_key WHERE key_hash = %(name)s OR previous_hash = %(name)s
 ON CONFLICT (key_id) DO UPDATE SET last_used_at = greatest(api_key_use.last_used_at, excluded.last_used_at)
"""
ARTICLES = """
SELECT a.id, a.section, a.published_at, a.access, a.free_hours, a.open_after_days,
 (SELECT jsonb_build_array(t.access, t.free_hours, t.open_after_days) FROM section_policy t
   WHERE t.section = a.section ORDER BY t.id DESC LIMIT 1),
 (SELECT jsonb_agg(jsonb_build_array(o.opened_at, least(o.until, o.closed_at))) FROM opening o
   WHERE o.until > %(now)s AND (o.closed_at IS NULL OR o.closed_at > %(now)s)
    AND (o.scope = 'site' OR o.scope = 'article' AND o.subject = a.id OR o.scope = 'section' AND o.subject = a.section))
 FROM article a WHERE a.id = ANY(%(name)s)
"""


@dataclass(frozen=True, slots=True)
class Found:
    """What a look brought: how to keep it, and what must not have changed meanwhile."""

    watched: Watched
    keep: Callable[[Memory], None]


class Loader:
    """Looks up, and keeps what it found where nothing has changed meanwhile."""

    def __init__(
        self, pool: AsyncConnectionPool, office: Office, memory: Memory, line: Line, monotonic: Monotonic
    ) -> None:
        self.pool = pool
        self.office = office
        self.memory = memory
        self.line = line
        self.looks = 0
        self._seconds = monotonic.seconds
        self._kinds: dict[str, Callable[[Any, datetime], Awaitable[Found | None]]] = {
            "standing": self._standing,
            "external": self._external,
            "session": self._session,
            "open_session": self._open_session,
            "key": self._key,
            "token": self._token,
            "articles": self._articles,
        }
        self._flights: dict[Missing, asyncio.Task[bool]] = {}

    async def fill(self, memory: Memory, missing: Missing, now: datetime) -> bool:
        """Look it up for this memory; whether there is such a thing. The shared one is filled by one look for all who wait."""
        if memory is not self.memory:
            found = await self._look(missing, now)
            if found is not None:
                found.keep(memory)
            return found is not None
        flight = self._flights.get(missing)
        if flight is None:
            flight = self._flights[missing] = asyncio.create_task(self._fly(missing, now))
            flight.add_done_callback(lambda _: self._flights.pop(missing, None))
        return await asyncio.shield(flight)

    async def _fly(self, missing: Missing, now: datetime) -> bool:
        heard, cuts = self.memory.heard, self.line.cuts
        found = await self._look(missing, now)
        if found is None:
            return False
        whole = self.line.is_up and self.line.cuts == cuts
        if whole and self.memory.untouched(heard, found.watched):
            found.keep(self.memory)
        return True

    async def _look(self, missing: Missing, now: datetime) -> Found | None:
        kind, name = missing
        if not storable(name):
            return None
        self.looks += 1
        return await self._kinds[kind](name, now)

    async def _rows(self, query: str, name: Any, now: datetime) -> list[tuple[Any, ...]]:
        async with self.pool.connection() as connection:
            return await fetch(connection, query, {"name": name, "now": now, "zone": self.office.zone.key})

    async def note_key(self, digest: bytes, now: datetime) -> None:
        """Write down that the key with this digest was used."""
        async with self.pool.connection() as connection:
            await connection.execute(KEY_USED.encode(), {"name": digest.hex(), "now": now})

    async def _standing(self, name: str, now: datetime) -> Found | None:
        (row,) = await self._rows(STANDING, name, now)
        return Found(
            {("standing", name), ("plan", None)},
            lambda memory: memory.keep_standing(name, packed(row)),
        )

    async def _external(self, name: str, now: datetime) -> Found | None:
        rows = await self._rows(EXTERNAL, name, now)
        if not rows:
            return Found(
                {("external", name)}, lambda memory: memory.externals.keep(name, ("", self._seconds()))
            )
        reader_id = rows[0][0]

        def keep(memory: Memory) -> None:
            memory.externals.keep(name, (reader_id, self._seconds()))
            memory.keep_standing(reader_id, packed(rows[0]))

        return Found({("external", name), ("standing", reader_id), ("plan", None)}, keep)

    async def _session(self, digest: bytes, now: datetime) -> Found | None:
        rows = await self._rows(SESSION, digest.hex(), now)
        if not rows:
            return None
        row = rows[0]
        reader_id, (session_id, seen_at, started_at) = row[0], row[3:]
        until = min(seen_at + TOUCH_EVERY, started_at + ABSOLUTE).timestamp()

        def keep(memory: Memory) -> None:
            memory.keep_seat(digest[:16], reader_id, until)
            memory.keep_standing(reader_id, packed(row))

        told_as = f"{session_id} {digest.hex()[:32]}"
        return Found({("session", told_as), ("standing", reader_id), ("plan", None)}, keep)

    async def _open_session(self, name: str, now: datetime) -> Found | None:
        rows = await self._rows(OPEN_SESSION, name, now)
        if not rows:
            return None
        token_hash, seen_at, started_at = rows[0]
        until = min(seen_at + IDLE, started_at + ABSOLUTE).timestamp()
        told_as = f"{name} {token_hash[:32]}"
        return Found({("session", told_as)}, lambda memory: memory.open_sessions.keep(name, until))

    async def _key(self, digest: bytes, now: datetime) -> Found | None:
        rows = await self._rows(KEY, digest.hex(), now)
        if not rows or not rows[0][0]:
            return None
        until = rows[0][1]
        if until is not None and until <= now:
            return None
        key = KnownKey(self._seconds(), until.timestamp() if until is not None else FOR_EVER)
        return Found({("api_key", digest.hex()[:32])}, lambda memory: memory.keys.keep(digest[:16], key))

    async def _token(self, both: tuple[bytes, str], now: datetime) -> Found | None:
        """Verified by Ed25519 once: the next time it is recognised by its digest."""
        digest, token = both
        try:
            held = edge_tokens.read(self.office, token, now)
        except Unauthenticated:
            return None
        signed = Signed(held.reader_id, held.session_id, held.expires_at.timestamp())
        return Found(set(), lambda memory: memory.tokens.keep(digest, signed))

    async def _articles(self, ids: tuple[str, ...], now: datetime) -> Found | None:
        rows = await self._rows(ARTICLES, list(ids), now)
        if len(rows) < len(set(ids)):
            return None
        found = [known(self.office, row, self._seconds()) for row in rows]
        watched: Watched = {("section_policy", None), ("opening", None)}
        watched |= {("article", one.id) for one in found}

        def keep(memory: Memory) -> None:
            for one in found:
                memory.keep_article(one)

        return Found(watched, keep)


async def fetch(
    connection: AsyncConnection[Any], query: str, values: dict[str, Any]
) -> list[tuple[Any, ...]]:
    """All rows of a statement of ours, which is prepared when it has been asked a few times."""
    async with connection.cursor(row_factory=tuple_row) as cursor:
        await cursor.execute(query.encode(), values)
        return await cursor.fetchall()


def packed(row: tuple[Any, ...]) -> int:
    """What a reader holds, from a row of `_query`."""
    reader_id, found, gifts = row[:3]
    return pack(reader_id is not None, gifts, parse(found))


def known(office: Office, row: tuple[Any, ...], loaded: float) -> Known:
    """An article, from a row of `ARTICLES` that was read at `loaded` (seconds of the monotonic clock)."""
    article_id, _, published_at, access, free_hours, open_after_days, of_section, opened = row
    terms = (access, free_hours, open_after_days) if access is not None else of_section or (None, None, None)
    level = AccessLevel(terms[0]) if terms[0] is not None else None
    said = policy_of(office, published_at, AccessTerms(level, terms[1], terms[2]))
    spans = tuple(
        Span(datetime.fromisoformat(start), datetime.fromisoformat(end)) for start, end in opened or ()
    )
    return Known(article_id, said, spans, loaded, is_metered=said.level is AccessLevel.METERED)
