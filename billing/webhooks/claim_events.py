"""Claim due events, apart from those that our own calls have answered already, or are about to."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa
from sqlmodel import Session, col, select

from billing.acquirer.signals import Signal
from billing.payments.models import Attempt, AttemptState
from billing.platform import bulk
from billing.platform.claims import assign, unclaimed
from billing.webhooks.context import WebhookContext
from billing.webhooks.inbox import WAITING
from billing.webhooks.models import InboundEvent


class ClaimedEvents(NamedTuple):
    """`known`: how many only repeated what is recorded, and are settled with that."""

    known: int
    events: list[InboundEvent]


def claim(
    run: WebhookContext, me: int, at: datetime, only: str | None, left: set[str]
) -> ClaimedEvents | None:
    """Claim the next events; None when there are no more. Events about a charge under way are `left` for a moment."""
    with run.database.transaction() as session:
        rows = session.exec(
            select(InboundEvent)
            .where(
                *WAITING,
                *([InboundEvent.id == only] if only else []),
                InboundEvent.next_attempt_at <= at,
                unclaimed(InboundEvent.claimed_by),
                ~bulk.one_of(InboundEvent.id, left),
            )
            .order_by(col(InboundEvent.next_attempt_at), col(InboundEvent.created_at))
            .limit(50)
            .with_for_update(skip_locked=True)
        ).all()
        known = _recorded(session, rows)
        if known:
            session.execute(_SETTLE_KNOWN, {"ids": list(known), "at": at})
        new = [row for row in rows if row.id not in known]
        # whoever replays one event waits for it
        waiting = _under_way(run, session, new) if only is None else set()
        left |= waiting
        claimed = [row for row in new if row.id not in waiting]
        assign(session, InboundEvent, [row.id for row in claimed], me)
        return ClaimedEvents(len(known), claimed) if rows else None


_SETTLE_KNOWN = sa.text(
    "UPDATE inbound_event SET settled_at = :at, outcome = 'settled', last_error = NULL, claimed_by = NULL, tries = tries + 1"
    " WHERE id = ANY(:ids)"
)


def _recorded(session: Session, events: Sequence[InboundEvent]) -> set[str]:
    """Events of successful charges that are recorded: nearly all, because the answer to our own call comes first. Success is
    final, so nothing is fetched."""
    succeeded = [event for event in events if event.signal is Signal.CHARGE_SUCCEEDED]
    if not succeeded:
        return set()
    charged = select(Attempt.acquirer, Attempt.intent_ref).where(
        bulk.one_of(Attempt.intent_ref, {event.object_ref for event in succeeded}),
        Attempt.state == AttemptState.CHARGED,
    )
    refs = set(session.exec(charged))
    return {event.id for event in succeeded if (event.acquirer, event.object_ref) in refs}


def _under_way(run: WebhookContext, session: Session, events: Sequence[InboundEvent]) -> set[str]:
    """Events about an attempt that a live worker has claimed. Its answer mostly comes within a moment, so a fetch now would be
    wasted. After that moment either may settle it."""
    named = {event.id: event.attempt_id for event in events if event.attempt_id}
    under_way = select(Attempt.id).where(
        bulk.one_of(Attempt.id, set(named.values())),
        Attempt.state == AttemptState.OPEN,
        ~unclaimed(Attempt.claimed_by),
    )
    attempts = set(session.exec(under_way)) if named else set()
    now, gave_way = run.monotonic.seconds(), run.gives_way
    # kept well beyond the moment, or the same event would wait once more; then dropped, or the dictionary would grow
    for event_id in [key for key, first in gave_way.items() if now - first > 30 * run.moment_seconds]:
        del gave_way[event_id]
    waiting = [event_id for event_id, attempt_id in named.items() if attempt_id in attempts]
    return {one for one in waiting if now - gave_way.setdefault(one, now) < run.moment_seconds}
