"""Settle stored events. Each is only a hint: its object is fetched. Late, repeated and out of order is the normal case."""

import logging
from datetime import datetime

from billing.platform.claims import worker_lock
from billing.platform.db_errors import first_line, is_transient
from billing.platform.errors import Unavailable
from billing.platform.logs import discreet
from billing.platform.stop_points import stop_point
from billing.rules.backoff import again_at
from billing.webhooks.apply_signal import apply_signal
from billing.webhooks.claim_events import claim
from billing.webhooks.context import WebhookContext
from billing.webhooks.models import InboundEvent

log = logging.getLogger(__name__)


def settle_due(run: WebhookContext, at: datetime, *, only: str | None = None) -> int:
    """Settle the events that are due, or `only` one; how many there were. One that can't be settled waits and delays no other."""
    done = 0
    with worker_lock(run.database) as me:
        left = set[str]()
        while claimed := claim(run, me, at, only, left):
            for event in claimed.events:
                _settle(run, event, at)
            done += claimed.known + len(claimed.events)
    return done


def _settle(run: WebhookContext, event: InboundEvent, at: datetime) -> None:
    outcome, problem, ours = None, None, False
    try:
        outcome = apply_signal(run, event, at)
        stop_point("event.settled")
    except Exception as error:
        if isinstance(error, Unavailable) or is_transient(error):  # no fault of the event, or of ours
            problem = first_line(error)[:500]
            log.warning("event %s (%s) waits: %s", event.event_ref, event.event_type, problem)
        else:
            log.exception("event %s (%s) can't be settled yet", event.event_ref, event.event_type)
            ours = True
            problem = discreet(f"{type(error).__name__}: {first_line(error)}"[:500])
    with run.database.transaction() as session:
        row = session.get_one(InboundEvent, (event.id, event.created_at), with_for_update=True)
        row.claimed_by = None
        row.tries += 1
        if problem is None:
            row.settled_at, row.outcome, row.last_error = at, outcome, None
        else:
            _postpone(row, problem, at, ours=ours, most_failures=run.most_failures)


def _postpone(row: InboundEvent, problem: str, at: datetime, *, ours: bool, most_failures: int) -> None:
    """Try again later, or set it aside for a person after `most_failures` errors of ours."""
    row.last_error = problem
    row.next_attempt_at = again_at(row.tries, at)
    row.failures += ours
    if row.failures >= most_failures:
        row.set_aside_at = at
        log.error(
            "event %s (%s) is set aside: it broke us %d times", row.event_ref, row.event_type, row.failures
        )
