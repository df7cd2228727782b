"""Lookups for what the cache lacks, one indexed statement each. Requests that need the same entry share one lookup."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg.rows import tuple_row
from psycopg_pool import AsyncConnectionPool

from billing.access import edge_tokens, gifts
from billing.access.entitled import entitlements_json, parse
from billing.access.policies import AccessTerms, policy_of
from billing.access_cache.cache import FOR_EVER, AccessCache
from billing.access_cache.change_listener import ChangeListener
from billing.access_cache.entries import CachedArticle, CachedKey
from billing.platform.errors import Unauthenticated
from billing.platform.monotonic import Monotonic
from billing.platform.site import Site
from billing.platform.storable import storable
from billing.readers.sessions import ABSOLUTE, IDLE, TOUCH_EVERY
from billing.rules.access import AccessLevel
from billing.rules.policies import FreeSpan

Missing = tuple[str, Any]
"""What the cache lacks: its kind and its key."""
Row = tuple[Any, ...]
# Entitlements that begin later are loaded too: the clock of the process that wrote them may be a little ahead of ours.
_NOT_OVER = "(e.renews OR e.until > %(now)s)"
_HELD = entitlements_json("r.id", _NOT_OVER).replace(":zone", "%(zone)s")
_READER = "reader named JOIN reader r ON r.id = coalesce(named.merged_into, named.id)"
"""By the name of a merged account, the one that stays."""
STANDING = f"SELECT r.id, {_HELD} FROM {_READER} WHERE named.id = %(name)s"  # noqa: S608
EXTERNAL = f"SELECT r.id, {_HELD} FROM {_READER} WHERE named.external_id = %(name)s"  # noqa: S608
SESSION = (
    f"SELECT r.id, {_HELD}, e.id, e.seen_at, e.started_at FROM reader_session e JOIN reader r ON r.id = e.reader_id"  # noqa: S608
    " WHERE e.token_hash = %(name)s AND e.ended_at IS NULL"
)
OPEN_SESSION = (
    "SELECT token_hash, seen_at, started_at FROM reader_session WHERE id = %(name)s AND ended_at IS NULL"
)
GIFT = "SELECT article_id FROM gift WHERE id = %(name)s"
# PostgreSQL's `least` passes over NULL: the earlier of the ends that there are.
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
SELECT a.id, a.published_at, a.access, a.free_hours, a.open_after_days,
 (SELECT jsonb_build_array(t.access, t.free_hours, t.open_after_days) FROM section_policy t
   WHERE t.section = a.section ORDER BY t.id DESC LIMIT 1),
 (SELECT jsonb_agg(jsonb_build_array(o.opened_at, least(o.until, o.closed_at))) FROM public_window o
   WHERE o.until > %(now)s AND (o.closed_at IS NULL OR o.closed_at > %(now)s)
    AND (o.scope = 'site' OR o.scope = 'article' AND o.subject = a.id OR o.scope = 'section' AND o.subject = a.section))
 FROM article a WHERE a.id = ANY(%(name)s)
"""


@dataclass(frozen=True, slots=True)
class Lookup:
    """A lookup's result: how to keep it, and the (kind, name) that must not have changed meanwhile."""

    watched: set[tuple[str, str | None]]
    keep: Callable[[AccessCache], None]


class Loader:
    """Looks up, and keeps the result unless something changed meanwhile."""

    def __init__(
        self,
        pool: AsyncConnectionPool,
        site: Site,
        cache: AccessCache,
        listener: ChangeListener,
        monotonic: Monotonic,
    ) -> None:
        self.pool = pool
        self.site = site
        self.cache = cache
        self.listener = listener
        self.lookups = 0
        self._seconds = monotonic.seconds
        self._kinds: dict[str, Callable[[Any, datetime], Awaitable[Lookup | None]]] = {
            "standing": self._standing,
            "external": self._external,
            "session": self._session,
            "open_session": self._open_session,
            "key": self._key,
            "token": self._token,
            "articles": self._articles,
            "gift": self._gift,
        }
        self._shared: dict[Missing, asyncio.Task[bool]] = {}

    async def fill(self, cache: AccessCache, missing: Missing, now: datetime) -> bool:
        """Look it up for this cache; whether it exists. Requests for the shared cache share a lookup."""
        if cache is not self.cache:
            found = await self._look_up(missing, now)
            if found is not None:
                found.keep(cache)
            return found is not None
        shared = self._shared.get(missing)
        if shared is None:
            shared = self._shared[missing] = asyncio.create_task(self._fill_shared(missing, now))
            shared.add_done_callback(lambda _: self._shared.pop(missing, None))
        # Shielded: a client that goes away must not cancel the lookup that others wait for.
        return await asyncio.shield(shared)

    async def _fill_shared(self, missing: Missing, now: datetime) -> bool:
        since, cuts = self.cache.invalidations, self.listener.cuts
        found = await self._look_up(missing, now)
        if found is None:
            return False
        uncut = self.listener.is_fresh and self.listener.cuts == cuts
        if uncut and self.cache.unchanged(since, found.watched):
            found.keep(self.cache)
        return True

    async def _look_up(self, missing: Missing, now: datetime) -> Lookup | None:
        kind, name = missing
        if not storable(name):
            return None
        self.lookups += 1
        return await self._kinds[kind](name, now)

    async def _rows(self, query: str, name: Any, now: datetime) -> list[Row]:
        """All rows of the statement; psycopg prepares it after a few executions."""
        values = {"name": name, "now": now, "zone": self.site.zone.key}
        async with self.pool.connection() as connection, connection.cursor(row_factory=tuple_row) as cursor:
            await cursor.execute(query.encode(), values)
            return await cursor.fetchall()

    async def note_key(self, digest: bytes, now: datetime) -> None:
        """Write down that the key with this digest was used."""
        async with self.pool.connection() as connection:
            await connection.execute(KEY_USED.encode(), {"name": digest.hex(), "now": now})

    async def _standing(self, name: str, now: datetime) -> Lookup | None:
        rows = await self._rows(STANDING, name, now)
        row = rows[0] if rows else (None, ())
        return Lookup({("standing", name), ("plan", None)}, lambda cache: _keep_held(cache, name, row))

    async def _external(self, name: str, now: datetime) -> Lookup | None:
        rows = await self._rows(EXTERNAL, name, now)
        reader_id = rows[0][0] if rows else ""

        def keep(cache: AccessCache) -> None:
            cache.external_ids.keep(name, (reader_id, self._seconds()))
            for row in rows:
                _keep_held(cache, reader_id, row)

        of_reader = {("standing", reader_id), ("plan", None)} if rows else set()
        return Lookup({("external", name), *of_reader}, keep)

    async def _session(self, digest: bytes, now: datetime) -> Lookup | None:
        rows = await self._rows(SESSION, digest.hex(), now)
        if not rows and self.site.tokens.previous_keys:
            return None  # the framework looks for it under earlier keys
        if not rows:
            return Lookup(set(), lambda cache: cache.ended_sessions.keep(digest[:16], True))
        row = rows[0]
        reader_id, (session_id, seen_at, started_at) = row[0], row[2:]
        # Not `IDLE`: after an hour the framework must be asked, which notes that the session was seen.
        until = min(seen_at + TOUCH_EVERY, started_at + ABSOLUTE).timestamp()

        def keep(cache: AccessCache) -> None:
            cache.keep_session(digest[:16], reader_id, until)
            cache.session_ids.keep(digest[:16], session_id)
            _keep_held(cache, reader_id, row)

        reported_as = f"{session_id} {digest.hex()[:32]}"
        return Lookup({("session", reported_as), ("standing", reader_id), ("plan", None)}, keep)

    async def _open_session(self, name: str, now: datetime) -> Lookup | None:
        rows = await self._rows(OPEN_SESSION, name, now)
        if not rows:
            return None
        token_hash, seen_at, started_at = rows[0]
        until = min(seen_at + IDLE, started_at + ABSOLUTE).timestamp()
        reported_as = f"{name} {token_hash[:32]}"
        return Lookup({("session", reported_as)}, lambda cache: cache.open_sessions.keep(name, until))

    async def _key(self, digest: bytes, now: datetime) -> Lookup | None:
        rows = await self._rows(KEY, digest.hex(), now)
        if not rows or not rows[0][0]:
            return None
        until = rows[0][1]
        if until is not None and until <= now:
            return None
        key = CachedKey(self._seconds(), until.timestamp() if until is not None else FOR_EVER)
        return Lookup({("api_key", digest.hex()[:32])}, lambda cache: cache.keys.keep(digest[:16], key))

    async def _token(self, both: tuple[bytes, str], now: datetime) -> Lookup | None:
        """Verifies the token by Ed25519 once; from then on its digest finds it."""
        digest, token = both
        try:
            bearer = edge_tokens.read(self.site, token, now)
        except Unauthenticated:
            return None
        return Lookup(set(), lambda cache: cache.tokens.keep(digest, bearer))

    async def _gift(self, secret: str, now: datetime) -> Lookup:
        """The article of a gift link, which never changes; empty for a forged link."""
        gift_id = self.site.tokens.subject_of(gifts.PURPOSE, secret)
        rows = await self._rows(GIFT, gift_id, now) if gift_id else []
        article_id = rows[0][0] if rows else ""
        return Lookup(set(), lambda cache: cache.gift_links.keep(secret, article_id))

    async def _articles(self, ids: tuple[str, ...], now: datetime) -> Lookup | None:
        rows = await self._rows(ARTICLES, list(ids), now)
        loaded = self._seconds()
        found = [_article(self.site, row, loaded) for row in rows]
        unknown = set(ids).difference(article.id for article in found)

        def keep(cache: AccessCache) -> None:
            for article in found:
                cache.keep_article(article)
            for name in unknown:
                cache.unknown_articles.keep(name, loaded)

        policies: set[tuple[str, str | None]] = {("section_policy", None), ("public_window", None)}
        return Lookup(policies | {("article", name) for name in ids}, keep)


def _keep_held(cache: AccessCache, name: str, row: Row) -> None:
    """Keep a reader's entitlements, from a row that begins with the reader and them."""
    reader_id, held = row[:2]
    cache.keep_entitlements(name, cache.packer.pack(reader_id is not None, parse(held)))


def _article(site: Site, row: Row, loaded: float) -> CachedArticle:
    """An article, from a row of `ARTICLES` that was read at `loaded` (monotonic)."""
    article_id, published_at, access, free_hours, open_after_days, of_section, opened = row
    level, *windows = (access, free_hours, open_after_days) if access else of_section or (None, None, None)
    terms = AccessTerms(AccessLevel(level) if level else None, *windows)
    policy = policy_of(site, published_at, terms)
    spans = tuple(
        FreeSpan(datetime.fromisoformat(start), datetime.fromisoformat(end)) for start, end in opened or ()
    )
    return CachedArticle(article_id, policy, spans, loaded, site.offer_for(article_id))
