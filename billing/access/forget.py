"""What was read is forgotten: meters 40 days after their month began, openings of gifts 40 days after the gift ended (PW-13)."""

from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session, col, select

from billing.access import meter
from billing.access.models import Gift, GiftReading
from billing.db import Database

_GONE = sa.text(
    "DELETE FROM gift_reading USING gift WHERE gift.id = gift_id AND gift.until <= :before RETURNING visitor"
)


def forget_readings(database: Database, at: datetime) -> int:
    """Drop what is old enough; how much went."""
    with database.transaction() as session:
        gone = len(session.execute(_GONE, {"before": at - meter.KEPT}).all())
        return gone + meter.forget_old(session, at)


def next_due(session: Session) -> datetime | None:
    """When the oldest is to be forgotten."""
    first = session.exec(
        select(Gift.until)
        .where(select(GiftReading.gift_id).where(GiftReading.gift_id == Gift.id).exists())
        .order_by(col(Gift.until))
        .limit(1)
    ).first()
    due = (meter.next_due(session), first + meter.KEPT if first else None)
    return min((each for each in due if each is not None), default=None)


def next_words(_session: Session) -> str:
    """For people."""
    return "counts of what was read are forgotten"
