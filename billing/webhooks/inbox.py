"""Store events once, before they are trusted."""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session, col, func, select

from billing.acquirer.signals import Notification
from billing.billing_run.outcome import SettleOutcome
from billing.platform import bulk, ids
from billing.platform.errors import NotFound
from billing.webhooks.models import InboundEvent

WAITING = (col(InboundEvent.settled_at).is_(None), col(InboundEvent.set_aside_at).is_(None))
"""Conditions of an event that is to be settled."""


class UnknownEvent(NotFound):
    """There is no event with this id."""

    code = "unknown_event"


def store(session: Session, acquirer: str, notifications: Sequence[Notification], at: datetime) -> list[bool]:
    """Store an acquirer's events; for each, whether it was new. The same event again changes nothing."""
    rows = [
        {
            "id": ids.new("hook", at),
            "acquirer": acquirer,
            **{name: getattr(notification, name) for name in notification.__slots__},
            "received_at": at,
            "next_attempt_at": at,
            "tries": 0,
            "failures": 0,
        }
        for notification in notifications
    ]
    new = bulk.insert(session, InboundEvent, rows, unless="acquirer, event_ref, created_at")
    return [row["id"] in new for row in rows]


def next_words(session: Session) -> str:
    """The next event, for people."""
    due = select(InboundEvent.event_type).where(*WAITING).order_by(col(InboundEvent.next_attempt_at))
    return f"word from the acquirer: {session.exec(due.limit(1)).first()}"


NEXT_DUE = "SELECT min(next_attempt_at) FROM inbound_event WHERE settled_at IS NULL AND set_aside_at IS NULL"
"""When an event is due next (see `timetable.Job`)."""


def set_aside(session: Session, *, limit: int = 200) -> list[InboundEvent]:
    """Events that wait for a person, latest first."""
    rows = session.exec(
        select(InboundEvent)
        .where(col(InboundEvent.set_aside_at).is_not(None))
        .order_by(col(InboundEvent.set_aside_at).desc(), col(InboundEvent.id))
        .limit(limit)
    )
    return list(rows)


def count_set_aside(session: Session) -> int:
    """How many events wait for a person."""
    return session.exec(
        select(func.count()).select_from(InboundEvent).where(col(InboundEvent.set_aside_at).is_not(None))
    ).one()


def latest(session: Session, *, limit: int = 50) -> list[InboundEvent]:
    """All events, latest first."""
    rows = select(InboundEvent).order_by(col(InboundEvent.received_at).desc(), col(InboundEvent.id))
    return list(session.exec(rows.limit(limit)))


def by_id(session: Session, event_id: str) -> InboundEvent:
    """Lock the event with this id, ours or the acquirer's. Raises UnknownEvent."""
    named = sa.or_(col(InboundEvent.id) == event_id, col(InboundEvent.event_ref) == event_id)
    event = session.exec(select(InboundEvent).where(named).with_for_update()).first()
    if event is None:
        raise UnknownEvent
    return event


_OUTCOMES: dict[str, str] = {
    SettleOutcome.SETTLED: "it had been settled before",
    SettleOutcome.UNKNOWN: "nobody knows yet what became of the charge",
    SettleOutcome.NOT_TAKEN: "the acquirer did not take the charge",
    SettleOutcome.NOT_SENT: "the charge was never sent",
    SettleOutcome.OPEN: "the reader may still pay on the page",
}
"""Outcomes whose codes say too little."""


def became(event: InboundEvent) -> str:
    """The state of an event, for people."""
    if event.set_aside_at is not None:
        return f"set aside after {event.failures} failures: {event.last_error}"
    if event.settled_at is not None:
        outcome = event.outcome or ""
        return f"settled: {_OUTCOMES.get(outcome, outcome.replace('_', ' '))}"
    return f"waits after {event.tries} tries: {event.last_error}" if event.tries else "waits"


def replay(event: InboundEvent, at: datetime) -> None:
    """Settle an event once more, as if it came now. Safe for any event: it is settled from what its acquirer says then, and
    what is settled already stays as it is."""
    event.settled_at = event.set_aside_at = event.outcome = None
    event.tries = event.failures = 0
    event.next_attempt_at = at
