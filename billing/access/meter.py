"""The meter: n metered articles a civil month, each counted once; reading one again is free (PW-4)."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

import sqlalchemy as sa
from sqlmodel import Session, col, func, select

from billing.access.models import MeterMonth, MeterRead
from billing.access.visitors import FirstReading, Visitor
from billing.platform.context import TransactionContext
from billing.platform.db import span
from billing.platform.site import Site
from billing.rules.access import Meter
from billing.rules.periods import add_months, start_of_day

KEPT = timedelta(days=40)
"""From the first day of a month on (PW-13)."""
# An update that changes nothing locks the row and returns it, whether or not it existed.
_LOCK = sa.text(
    "INSERT INTO meter_month (visitor, month, used) VALUES (:visitor, :month, 0)"
    " ON CONFLICT (visitor, month) DO UPDATE SET used = meter_month.used RETURNING used"
)
_REMEMBER = sa.text(
    "INSERT INTO meter_read (visitor, month, article_id, at, carried) VALUES (:visitor, :month, :article_id, :at, false)"
    " ON CONFLICT DO NOTHING RETURNING article_id"
)
_CARRY = sa.text(
    "WITH fresh AS (UPDATE meter_read SET carried = true WHERE visitor = :visitor AND month = :month AND NOT carried"
    " RETURNING article_id, at)"
    " INSERT INTO meter_read (visitor, month, article_id, at, carried)"
    " SELECT :reader, :month, article_id, at, false FROM fresh ON CONFLICT DO NOTHING"
)


def consult(ctx: TransactionContext, readings: Sequence[tuple[Visitor, str, int]]) -> list[Meter]:
    """The meter for each visitor, article and limit, in two statements. Counts nothing."""
    month = _month(ctx.site, ctx.at)
    used, counted = _counts(ctx.session, readings, month)

    def of_reading(visitor: Visitor, article_id: str, limit: int) -> Meter:
        if visitor.id in used:
            is_counted = (visitor.id, article_id) in counted
            return _meter(ctx.site, month, used[visitor.id], limit, is_counted)
        first = visitor.first_in(month)
        return _meter(ctx.site, month, 0 if first is None else 1, limit, first == article_id)

    return [of_reading(*reading) for reading in readings]


def _counts(
    session: Session, readings: Sequence[tuple[Visitor, str, int]], month: date
) -> tuple[dict[str, int], set[tuple[str, str]]]:
    """How many articles each visitor used this month, and which of these are among them."""
    visitors = {visitor.id for visitor, _, _ in readings if not visitor.is_new}
    if not visitors:
        return {}, set()
    months = select(MeterMonth.visitor, MeterMonth.used).where(
        col(MeterMonth.visitor).in_(visitors), MeterMonth.month == month
    )
    reads = select(MeterRead.visitor, MeterRead.article_id).where(
        col(MeterRead.visitor).in_(visitors),
        MeterRead.month == month,
        col(MeterRead.article_id).in_({article_id for _, article_id, _ in readings}),
    )
    return dict(session.exec(months).all()), set(session.exec(reads).all())


def count(ctx: TransactionContext, visitor: Visitor, article_id: str, limit: int) -> Meter:
    """Count the article if it is new this month and within the limit.

    Locks the month's row, so that two readings at once never exceed it. A new visitor has no row: its token will hold the
    article (see `first_reading`)."""
    month = _month(ctx.site, ctx.at)
    if visitor.is_new:
        return _meter(ctx.site, month, min(1, limit), limit, counted=limit > 0)
    used = _lock(ctx, visitor, month)
    counted = ctx.session.get(MeterRead, (visitor.id, month, article_id)) is not None
    if not counted and used < limit:
        ctx.session.add(MeterRead(visitor=visitor.id, month=month, article_id=article_id, at=ctx.at))
        _use(ctx.session, visitor.id, month, used + 1)
        ctx.session.flush()
        return _meter(ctx.site, month, used + 1, limit, counted=True)
    return _meter(ctx.site, month, used, limit, counted)


def first_reading(site: Site, article_id: str, at: datetime) -> FirstReading:
    """What a new visitor's token holds once this article was counted."""
    return FirstReading(_month(site, at), article_id)


def as_it_was(ctx: TransactionContext, visitor: str, article_id: str, limit: int) -> Meter:
    """The meter at a past instant, from the reads themselves. Reads past retention are missing."""
    month = _month(ctx.site, ctx.at)
    mine = (MeterRead.visitor == visitor, MeterRead.month == month, MeterRead.at <= ctx.at)
    reads = ctx.session.exec(select(MeterRead.article_id).where(*mine)).all()
    return _meter(ctx.site, month, len(reads), limit, article_id in reads)


def carry(ctx: TransactionContext, visitor: Visitor, reader_id: str) -> None:
    """Count what a browser read this month before sign-in for its reader too, each article once.

    The browser's own count stays: signing out again gives no new free articles."""
    month = _month(ctx.site, ctx.at)
    if visitor.first_in(month) is None and ctx.session.get(MeterMonth, (visitor.id, month)) is None:
        return
    _lock(ctx, visitor, month)  # always the browser's row before the reader's
    _lock(ctx, Visitor(reader_id), month)
    ctx.session.execute(_CARRY, {"visitor": visitor.id, "reader": reader_id, "month": month})
    mine = (MeterRead.visitor == reader_id, MeterRead.month == month)
    used = ctx.session.exec(select(func.count()).select_from(MeterRead).where(*mine)).one()
    _use(ctx.session, reader_id, month, used)


def delete_old_months(session: Session, at: datetime) -> int:
    """Delete months that began 40 or more days ago, in UTC (PW-13); how many rows."""
    before = {"before": at.astimezone(UTC).date() - KEPT}
    session.execute(sa.text("DELETE FROM meter_read WHERE month <= :before"), before)
    months = sa.text("DELETE FROM meter_month WHERE month <= :before")
    return session.connection().execute(months, before).rowcount


NEXT_DUE = f"SELECT (min(month)::timestamp AT TIME ZONE 'UTC') + {span(KEPT)} FROM meter_month"  # noqa: S608
"""When the oldest month is due for deletion (see `timetable.Job`)."""


def _lock(ctx: TransactionContext, visitor: Visitor, month: date) -> int:
    """Lock the visitor's month; how much is used. Writes the reading that the visitor's token holds, once."""
    used = int(ctx.session.execute(_LOCK, {"visitor": visitor.id, "month": month}).scalar_one())
    first = visitor.first_in(month)
    if first is None:
        return used
    row = {"visitor": visitor.id, "month": month, "article_id": first, "at": ctx.at}
    if ctx.session.execute(_REMEMBER, row).first() is not None:
        used += 1
        _use(ctx.session, visitor.id, month, used)
    return used


def _use(session: Session, visitor: str, month: date, used: int) -> None:
    session.execute(
        sa.text("UPDATE meter_month SET used = :used WHERE visitor = :visitor AND month = :month"),
        {"visitor": visitor, "month": month, "used": used},
    )


def _meter(site: Site, month: date, used: int, limit: int, counted: bool) -> Meter:
    resets_at = start_of_day(add_months(month, 1), site.zone)
    return Meter(used=min(used, limit), limit=limit, counted=counted, resets_at=resets_at)


def _month(site: Site, at: datetime) -> date:
    return site.today(at).replace(day=1)
