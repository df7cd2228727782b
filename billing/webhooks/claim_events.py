"""Claim the events that are due, but for those that our own calls have answered already, or are about to."""

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
    """`known` is how many said what was written down already: they are settled with that."""

    known: int
    events: list[InboundEvent]


def claim(
    run: WebhookContext, me: int, at: datetime, only: str | None, left: set[str]
) -> ClaimedEvents | None:
    """The next events; None when there are no more. Events about a charge under way are `left` for a moment."""
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
        known = _written_down(session, rows)
        if known:
            session.execute(_KNOWN, {"ids": list(known), "at": at})
        news = [row for row in rows if row.id not in known]
        waiting = _give_way(run, session, news) if only is None else set()
        left |= waiting
        claimed = [row for row in news if row.id not in waiting]
        assign(session, InboundEvent, [row.id for row in claimed], me)
        return ClaimedEvents(len(known), claimed) if rows else None


_KNOWN = sa.text(
    "UPDATE inbound_event SET settled_at = :at, outcome = 'settled', last_error = NULL, claimed_by = NULL, tries = tries + 1"
    " WHERE id = ANY(:ids)"
)


def _written_down(session: Session, events: Sequence[InboundEvent]) -> set[str]:
    """Events that a charge went through which is written down: nearly all of them, because the answer to our own call comes
    first. That is final, so there is nothing to fetch."""
    succeeded = [event for event in events if event.signal is Signal.CHARGE_SUCCEEDED]
    if not succeeded:
        return set()
    charged = select(Attempt.acquirer, Attempt.intent_ref).where(
        bulk.one_of(Attempt.intent_ref, {event.object_ref for event in succeeded}),
        Attempt.state == AttemptState.CHARGED,
    )
    refs = set(session.exec(charged))
    return {event.id for event in succeeded if (event.acquirer, event.object_ref) in refs}


def _give_way(run: WebhookContext, session: Session, events: Sequence[InboundEvent]) -> set[str]:
    """Events about an attempt that a living worker holds. Its answer comes within a moment, mostly, so asking the acquirer
    meanwhile would be for nothing. After that moment the first to come settles it."""
    named = {event.id: event.attempt_id for event in events if event.attempt_id}
    under_way = select(Attempt.id).where(
        bulk.one_of(Attempt.id, set(named.values())),
        Attempt.state == AttemptState.OPEN,
        ~unclaimed(Attempt.claimed_by),
    )
    attempts = set(session.exec(under_way)) if named else set()
    now, gave_way = run.monotonic.seconds(), run.gives_way
    for one in [one for one, first in gave_way.items() if now - first > 30 * run.moment_seconds]:
        del gave_way[one]
    waiting = [one for one, ref in named.items() if ref in attempts]
    return {one for one in waiting if now - gave_way.setdefault(one, now) < run.moment_seconds}
