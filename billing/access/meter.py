"""The meter: n metered articles a civil month, each counted once; reading one again is free (PW-4)."""

from datetime import date, datetime

import sqlalchemy as sa
from sqlmodel import Session

from billing.access.models import MeterMonth, MeterRead
from billing.office import Office
from billing.rules.access import Meter

_LOCK = sa.text(
    "INSERT INTO meter_month (visitor, month, used) VALUES (:visitor, :month, 0)"
    " ON CONFLICT (visitor, month) DO UPDATE SET used = meter_month.used RETURNING used"
)


def look(
    session: Session, office: Office, visitor: str | None, article_id: str, limit: int, at: datetime
) -> Meter:
    """How the meter stands for this visitor and article; counts nothing. No visitor: nothing read yet."""
    if visitor is None:
        return Meter(used=0, limit=limit, counted=False)
    month = _month(office, at)
    row = session.get(MeterMonth, (visitor, month))
    counted = session.get(MeterRead, (visitor, month, article_id)) is not None
    return Meter(used=min(row.used, limit) if row else 0, limit=limit, counted=counted)


def count(session: Session, office: Office, visitor: str, article_id: str, limit: int, at: datetime) -> Meter:
    """Count the article if it is new this month and the meter allows it. Two at once never exceed the limit: the month's row is locked."""
    month = _month(office, at)
    used = int(session.execute(_LOCK, {"visitor": visitor, "month": month}).scalar_one())
    counted = session.get(MeterRead, (visitor, month, article_id)) is not None
    if not counted and used < limit:
        session.add(MeterRead(visitor=visitor, month=month, article_id=article_id))
        session.execute(
            sa.text("UPDATE meter_month SET used = used + 1 WHERE visitor = :visitor AND month = :month"),
            {"visitor": visitor, "month": month},
        )
        session.flush()
        return Meter(used=used + 1, limit=limit, counted=True)
    return Meter(used=min(used, limit), limit=limit, counted=counted)


def _month(office: Office, at: datetime) -> date:
    return office.today(at).replace(day=1)
