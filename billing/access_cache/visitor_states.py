"""Looks up visitors and counts their readings in groups; keeps in memory what only grows.

Counting is committed before any request of the group is answered (PW-4)."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import partial
from typing import Any

from psycopg.rows import tuple_row
from psycopg_pool import AsyncConnectionPool

from billing.access.check import MeterLimits
from billing.access.meter import COUNT, MeterReading, count_values, month_of
from billing.access_cache.cache import AccessCache
from billing.access_cache.change_listener import ChangeListener
from billing.access_cache.entries import CachedVisitor
from billing.access_cache.groups import Groups
from billing.platform.site import Site
from billing.platform.time_limits import TIME_LIMITS, Work

VISITORS = """
SELECT name,
 (SELECT readings FROM meter_month m WHERE m.visitor = name AND m.month = %(month)s),
 (SELECT jsonb_object_agg(g.article_id, g.until ORDER BY g.until) FROM gift_reading o JOIN gift g ON g.id = o.gift_id
   WHERE o.visitor = name AND g.until > %(now)s AND g.revoked_at IS NULL)
 FROM unnest(%(names)s::text[]) AS name
"""
Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class WantedVisitor:
    """A visitor to look up at an instant. Who asks a moment later may have the same answer."""

    id: str
    at: datetime = field(compare=False)


@dataclass(slots=True, eq=False)
class WantedCount:
    """A reading to count, and the gifts of its visitor, if they are known. Each is counted by itself."""

    reading: MeterReading
    gifts: Mapping[str, datetime]
    is_registered: bool


class VisitorStates:
    """Visitors from the database; `cache` is the process's shared one."""

    def __init__(
        self,
        pool: AsyncConnectionPool,
        site: Site,
        limits: MeterLimits,
        cache: AccessCache,
        listener: ChangeListener,
    ) -> None:
        self._pool = pool
        self._site = site
        self._cache = cache
        self._listener = listener
        self._lookups: Groups[WantedVisitor, CachedVisitor] = Groups(lambda wanted: wanted.id, self._look_up)
        # Readers and browsers in groups of their own: they have different limits, and `meter.carry` locks a browser first.
        self._counts: dict[bool, Groups[WantedCount, CachedVisitor | None]] = {
            registered: Groups(_visitor_of, partial(self._count, limits.of(registered=registered)))
            for registered in (True, False)
        }

    async def look_up(self, visitor_id: str, at: datetime) -> CachedVisitor:
        """The visitor's month and opened gifts. Raises psycopg.Error, OSError."""
        return await self._lookups.ask(WantedVisitor(visitor_id, at))

    async def count(self, wanted: WantedCount) -> CachedVisitor:
        """Count the reading if the meter has room, and no gift may open the article; the visitor afterwards.

        Raises psycopg.Error, OSError."""
        counted = await self._counts[wanted.is_registered].ask(wanted)
        if counted is not None:
            return counted
        return await self.look_up(wanted.reading.visitor.id, wanted.reading.at)

    async def _look_up(self, group: list[WantedVisitor]) -> Mapping[str, CachedVisitor]:
        since = self._since()
        now = max(wanted.at for wanted in group)
        month = month_of(self._site, now)
        values = {"names": [wanted.id for wanted in group], "now": now, "month": month}
        rows = await self._rows(VISITORS, values)
        found = {name: _visitor(month, readings, gifts) for name, readings, gifts in rows}
        self._keep(since, found)
        return found

    async def _count(self, limit: int, group: list[WantedCount]) -> Mapping[str, CachedVisitor | None]:
        since = self._since()
        gifts = {_visitor_of(wanted): wanted.gifts for wanted in group}
        rows = await self._rows(COUNT, count_values([wanted.reading for wanted in group], limit))
        found = {name: CachedVisitor(month, tuple(readings), gifts[name]) for name, month, readings in rows}
        self._keep(since, found)
        return dict.fromkeys(gifts) | found  # None for those not counted, whom `count` looks up

    async def _rows(self, statement: str, values: dict[str, Any]) -> list[Row]:
        async with (
            asyncio.timeout(TIME_LIMITS[Work.REQUEST].lock),  # raises an OSError: a row may be locked
            self._pool.connection() as connection,
            connection.cursor(row_factory=tuple_row) as cursor,
        ):
            await cursor.execute(statement.encode(), values)
            return await cursor.fetchall()

    def _since(self) -> tuple[int, int]:
        return self._cache.invalidations, self._listener.cuts

    def _keep(self, since: tuple[int, int], found: dict[str, CachedVisitor]) -> None:
        invalidations, cuts = since
        if self._listener.is_fresh and self._listener.cuts == cuts:
            self._cache.keep_visitors(invalidations, found)


def _visitor_of(wanted: WantedCount) -> str:
    return wanted.reading.visitor.id


def _visitor(month: date, readings: dict[str, str] | None, gifts: dict[str, str] | None) -> CachedVisitor:
    counted = None if readings is None else tuple(readings)
    if not gifts:
        return CachedVisitor(month, counted)
    opened = {article_id: datetime.fromisoformat(until) for article_id, until in gifts.items()}
    return CachedVisitor(month, counted, opened)
