"""Store an event once, before believing it."""

from datetime import datetime

from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, select

from billing.payments.gateway import Notification
from billing.webhooks.models import InboundEvent


def store(session: Session, notification: Notification, at: datetime) -> bool:
    """Keep the event for settling; whether it was new. The same event again changes nothing."""
    row = insert(InboundEvent).values(
        id=notification.id,
        type=notification.type,
        object_ref=notification.object_ref,
        created_at=notification.created_at,
        received_at=at,
        payload=notification.payload,
        try_at=at,
        tries=0,
    )
    kept = session.execute(row.on_conflict_do_nothing(index_elements=["id"]).returning(col(InboundEvent.id)))
    return kept.first() is not None


def next_words(session: Session) -> str:
    """What the next event is about."""
    kind = session.exec(
        select(InboundEvent.type)
        .where(col(InboundEvent.settled_at).is_(None))
        .order_by(col(InboundEvent.try_at))
        .limit(1)
    ).first()
    return f"word from Stripe: {kind}"


def next_due(session: Session) -> datetime | None:
    """When an event wants settling next."""
    return session.exec(
        select(InboundEvent.try_at)
        .where(col(InboundEvent.settled_at).is_(None))
        .order_by(col(InboundEvent.try_at))
        .limit(1)
    ).first()
