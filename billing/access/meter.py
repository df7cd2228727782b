"""The meter: n metered articles a civil month, each counted once; reading one again is free (PW-4)."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

import sqlalchemy as sa
from sqlmodel import Session, col, func, select

from billing.access.models import MeterMonth, MeterRead
from billing.db import span
from billing.office import Office
from billing.rules.access import Meter
from billing.rules.periods import add_months, start_of_day

KEPT = timedelta(days=40)
"""From the first day of a month on (PW-13)."""
_LOCK = sa.text(
    "INSERT INTO meter_month (visitor, month, used) VALUES (:visitor, :month, 0)"
    " ON CONFLICT (visitor, month) DO UPDATE SET used = meter_month.used RETURNING used"
)
_CARRY = sa.text(
    "WITH fresh AS (UPDATE meter_read SET carried = true WHERE visitor = :visitor AND month = :month AND NOT carried"
    " RETURNING article_id, at)"
    " INSERT INTO meter_read (visitor, month, article_id, at, carried)"
    " SELECT :reader, :month, article_id, at, false FROM fresh ON CONFLICT DO NOTHING"
)


def look_all(
    session: Session, office: Office, asked: Sequence[tuple[str, str, int]], at: datetime
) -> list[Meter]:
    """How the meter stands for each visitor, article and limit; counts nothing. Two statements, however many are asked about."""
    if not asked:
        return []
    month = _month(office, at)
    visitors, articles = {visitor for visitor, _, _ in asked}, {article for _, article, _ in asked}
    months = select(MeterMonth.visitor, MeterMonth.used).where(
        col(MeterMonth.visitor).in_(visitors), MeterMonth.month == month
    )
    reads = select(MeterRead.visitor, MeterRead.article_id).where(
        col(MeterRead.visitor).in_(visitors),
        MeterRead.month == month,
        col(MeterRead.article_id).in_(articles),
    )
    used = dict(session.exec(months).all())
    counted = set(session.exec(reads).all())
    return [
        _meter(office, month, used.get(visitor, 0), limit, (visitor, article) in counted)
        for visitor, article, limit in asked
    ]


def count(session: Session, office: Office, visitor: str, article_id: str, limit: int, at: datetime) -> Meter:
    """Count the article if it is new this month and the meter allows it. Two at once never exceed the limit: the month's row is locked."""
    month = _month(office, at)
    used = _lock(session, visitor, month)
    counted = session.get(MeterRead, (visitor, month, article_id)) is not None
    if not counted and used < limit:
        session.add(MeterRead(visitor=visitor, month=month, article_id=article_id, at=at))
        _use(session, visitor, month, used + 1)
        session.flush()
        return _meter(office, month, used + 1, limit, counted=True)
    return _meter(office, month, used, limit, counted)


def as_it_was(
    session: Session, office: Office, visitor: str, article_id: str | None, limit: int, at: datetime
) -> Meter:
    """How the meter stood at a past instant, from the reads themselves. Those of forgotten months are gone."""
    month = _month(office, at)
    mine = (MeterRead.visitor == visitor, MeterRead.month == month, MeterRead.at <= at)
    used = session.exec(select(func.count()).select_from(MeterRead).where(*mine)).one()
    this = select(MeterRead.article_id).where(*mine, MeterRead.article_id == (article_id or ""))
    return _meter(office, month, used, limit, session.exec(this).first() is not None)


def carry(session: Session, office: Office, visitor: str, reader_id: str, at: datetime) -> None:
    """What a browser read this month before it signed in counts for its reader from now on, each article once.

    The browser's own count stays: signing out again gives no new free articles."""
    month = _month(office, at)
    if session.get(MeterMonth, (visitor, month)) is None:
        return
    _lock(session, visitor, month)
    _lock(session, reader_id, month)
    session.execute(_CARRY, {"visitor": visitor, "reader": reader_id, "month": month})
    mine = (MeterRead.visitor == reader_id, MeterRead.month == month)
    used = session.exec(select(func.count()).select_from(MeterRead).where(*mine)).one()
    _use(session, reader_id, month, used)


def forget_old(session: Session, at: datetime) -> int:
    """Drop the months that began 40 days ago or earlier, by the days of UTC (PW-13); how many counts went."""
    before = {"before": at.astimezone(UTC).date() - KEPT}
    session.execute(sa.text("DELETE FROM meter_read WHERE month <= :before"), before)
    gone = session.execute(
        sa.text("DELETE FROM meter_month WHERE month <= :before RETURNING visitor"), before
    )
    return len(gone.all())


NEXT_DUE = f"SELECT (min(month)::timestamp AT TIME ZONE 'UTC') + {span(KEPT)} FROM meter_month"  # noqa: S608
"""When the oldest month is to be forgotten (see `timetable.Job`)."""


def _lock(session: Session, visitor: str, month: date) -> int:
    return int(session.execute(_LOCK, {"visitor": visitor, "month": month}).scalar_one())


def _use(session: Session, visitor: str, month: date, used: int) -> None:
    session.execute(
        sa.text("UPDATE meter_month SET used = :used WHERE visitor = :visitor AND month = :month"),
        {"visitor": visitor, "month": month, "used": used},
    )


def _meter(office: Office, month: date, used: int, limit: int, counted: bool) -> Meter:
    resets_at = start_of_day(add_months(month, 1), office.zone)
    return Meter(used=min(used, limit), limit=limit, counted=counted, resets_at=resets_at)


def _month(office: Office, at: datetime) -> date:
    return office.today(at).replace(day=1)
