"""The meter: n metered articles a civil month, each counted once; reading one again is free (PW-4).

A visitor's month is one row, to which readings are only added. One statement counts the readings of many visitors."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Session, col

from billing.access.models import MeterMonth
from billing.access.visitors import FirstReading, Visitor
from billing.platform.context import TransactionContext
from billing.platform.db import span
from billing.platform.partitions import METER
from billing.platform.read_together import Rows, read_rows
from billing.platform.site import Site
from billing.rules.access import Meter
from billing.rules.periods import add_months, start_of_day

KEPT = METER.keep
"""From the first day of a month on (PW-13)."""
# `||` keeps the instant at which an article was counted first.
COUNT = """
INSERT INTO meter_month AS counted (visitor, month, readings, carried)
 SELECT visitor, month, readings, '{}'
  FROM jsonb_to_recordset(%(rows)s::jsonb) AS asked (visitor text, month date, readings jsonb, gifts_known boolean)
  WHERE gifts_known OR NOT EXISTS (SELECT FROM gift_reading WHERE gift_reading.visitor = asked.visitor)
 ON CONFLICT (visitor, month) DO UPDATE SET readings = excluded.readings || counted.readings
  WHERE excluded.readings || counted.readings <> counted.readings
   AND (SELECT count(*) FROM jsonb_object_keys(excluded.readings || counted.readings)) <= %(limit)s
 RETURNING visitor, month, readings
"""
"""Counts one reading of each visitor, and returns the months of those for whom it did; values by `count_values`.

No row comes back for an article counted before, a month used up, and, where its gifts aren't known, a visitor who has opened
one: a gift may open the article. Rows are locked in the order of the values."""
_LOCK = sa.text(
    "INSERT INTO meter_month AS counted (visitor, month, readings, carried)"
    " VALUES (:visitor, :month, cast(:readings AS jsonb), '{}')"
    " ON CONFLICT (visitor, month) DO UPDATE SET readings = excluded.readings || counted.readings"
    " RETURNING readings - carried"
)
_CARRIED = sa.text(
    "UPDATE meter_month SET carried = ARRAY(SELECT jsonb_object_keys(readings))"
    " WHERE visitor = :visitor AND month = :month"
)


class MeterReading(NamedTuple):
    """A visitor reads an article at an instant of a month (its first day). `gifts_known`: no opened gift gives it."""

    visitor: Visitor
    article_id: str
    at: datetime
    month: date
    gifts_known: bool = True


def consult(ctx: TransactionContext, readings: Sequence[tuple[Visitor, str, int]]) -> list[Meter]:
    """The meter for each visitor, article and limit, in one statement. Counts nothing."""
    visitors = [visitor.id for visitor, _, _ in readings if not visitor.is_new]
    rows = (
        read_rows(ctx.session, MONTHS, month=month_of(ctx.site, ctx.at), visitors=visitors)
        if visitors
        else []
    )
    return meters_in(ctx, rows, readings)


MONTHS = sa.select(col(MeterMonth.visitor), col(MeterMonth.readings)).where(
    col(MeterMonth.visitor) == sa.any_(sa.bindparam("visitors", type_=ARRAY(sa.Text))),
    col(MeterMonth.month) == sa.bindparam("month"),
)
"""The query of what `:visitors` have counted in a `:month`; `meters_in` takes its rows."""


def meters_in(
    ctx: TransactionContext, rows: Rows, readings: Sequence[tuple[Visitor, str, int]]
) -> list[Meter]:
    """The meter for each visitor, article and limit, from the rows of this month."""
    month = month_of(ctx.site, ctx.at)
    months: dict[str, dict[str, str]] = dict(rows)
    return [
        meter_of(ctx.site, month, counted_by(visitor, month, months.get(visitor.id)), article_id, limit)
        for visitor, article_id, limit in readings
    ]


def count(ctx: TransactionContext, visitor: Visitor, article_id: str, limit: int) -> Meter:
    """Count the article if it is new this month and within the limit.

    Locks the month's row, so that two readings at once never exceed it. A new visitor has no row: its token will hold the
    article (see `first_reading`)."""
    month = month_of(ctx.site, ctx.at)
    if visitor.is_new:
        return meter_of(ctx.site, month, (article_id,)[:limit], article_id, limit)
    values = count_values([MeterReading(visitor, article_id, ctx.at, month)], limit)
    row = ctx.session.connection().exec_driver_sql(COUNT, values).first()
    if row is None:
        (found,) = consult(ctx, [(visitor, article_id, limit)])
        return found
    return meter_of(ctx.site, month, tuple(row.readings), article_id, limit)


def count_values(readings: Iterable[MeterReading], limit: int) -> dict[str, Any]:
    """The values of `COUNT` for readings of different visitors, who have the same limit.

    Two statements at once lock rows in the same order, by visitor."""

    def row(reading: MeterReading) -> dict[str, Any]:
        visitor, article_id, at, month, gifts_known = reading
        counted = counted_by(visitor, month, None)
        # `COUNT` asks the limit only where the month has a row; without one it inserts what is given here
        fits = article_id not in counted and len(counted) < limit
        return {
            "visitor": visitor.id,
            "month": month.isoformat(),
            "readings": dict.fromkeys((*counted, article_id) if fits else counted, at.isoformat()),
            "gifts_known": gifts_known,
        }

    ordered = sorted(readings, key=lambda reading: reading.visitor.id)
    return {"rows": json.dumps([row(reading) for reading in ordered]), "limit": limit}


def counted_by(visitor: Visitor, month: date, row: Iterable[str] | None) -> tuple[str, ...]:
    """The articles counted in the month: those of its row, or, without a row, the one in the visitor's token."""
    if row is not None:
        return tuple(row)
    first = visitor.first_in(month)
    return () if first is None else (first,)


def meter_of(site: Site, month: date, counted: Sequence[str], article_id: str, limit: int) -> Meter:
    """The meter for an article, where these articles are counted in the month."""
    # `carry` adds a browser's articles whatever the limit, so there may be more
    return Meter(min(len(counted), limit), limit, article_id in counted, resets_at(site, month))


def resets_at(site: Site, month: date) -> datetime:
    """The instant at which the meter of the month begins anew."""
    return start_of_day(add_months(month, 1), site.zone)


def first_reading(site: Site, article_id: str, at: datetime) -> FirstReading:
    """What a new visitor's token holds once this article was counted."""
    return FirstReading(month_of(site, at), article_id)


def as_it_was(ctx: TransactionContext, visitor: str, article_id: str, limit: int) -> Meter:
    """The meter at a past instant, from the readings themselves. Those past retention are missing."""
    month = month_of(ctx.site, ctx.at)
    row = ctx.session.get(MeterMonth, (visitor, month))
    readings = row.readings if row is not None else {}
    counted = [article for article, at in readings.items() if datetime.fromisoformat(at) <= ctx.at]
    return meter_of(ctx.site, month, counted, article_id, limit)


def carry(ctx: TransactionContext, visitor: Visitor, reader_id: str) -> None:
    """Count what a browser read this month before sign-in for its reader too, each article once.

    The browser's own count stays: signing out again gives no new free articles. What was carried isn't carried again, so the
    next reader of this browser doesn't pay for it."""
    month = month_of(ctx.site, ctx.at)
    counted = counted_by(visitor, month, None)
    if not counted and ctx.session.get(MeterMonth, (visitor.id, month)) is None:
        return
    at = ctx.at.isoformat()
    fresh = _lock(ctx, visitor.id, month, dict.fromkeys(counted, at))  # always the browser's row first
    _lock(ctx, reader_id, month, fresh)
    ctx.session.execute(_CARRIED, {"visitor": visitor.id, "month": month})


def _lock(ctx: TransactionContext, visitor: str, month: date, readings: Mapping[str, str]) -> dict[str, str]:
    """Lock the visitor's month and add these readings, whatever the limit; returns those that weren't carried yet."""
    values = {"visitor": visitor, "month": month, "readings": json.dumps(readings)}
    found: dict[str, str] = ctx.session.execute(_LOCK, values).scalar_one()
    return found


def delete_old_months(session: Session, at: datetime) -> int:
    """Delete months that began 40 or more days ago, in UTC (PW-13), from the default partition; how many rows.

    Other partitions are dropped (see `billing.platform.partitions`)."""
    before = {"before": at.astimezone(UTC).date() - KEPT}
    months = sa.text(f"DELETE FROM {METER.default} WHERE month <= :before")  # noqa: S608 - a name of our own
    return session.connection().execute(months, before).rowcount


NEXT_DUE = f"SELECT (min(month)::timestamp AT TIME ZONE 'UTC') + {span(KEPT)} FROM {METER.default}"  # noqa: S608
"""When the oldest month is due for deletion (see `timetable.Job`)."""


def month_of(site: Site, at: datetime) -> date:
    """The first day of the civil month of an instant."""
    return site.today(at).replace(day=1)
