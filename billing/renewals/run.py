"""The billing run: claim what is due, do it, charge with no transaction open, settle. Any number at once."""

import logging
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from billing.crew import claimer
from billing.db import Database
from billing.installation import refuse_copy
from billing.office import Office
from billing.payments import charge
from billing.payments.gateway import Gateway
from billing.renewals.act import act
from billing.renewals.settle import settle
from billing.stop_points import stop_point
from billing.subscriptions.change import lock
from billing.subscriptions.models import Subscription

BATCH = 50
LOOK_AGAIN = timedelta(hours=1)
"""A subscription that can't be worked on waits this long, so that it never holds up the others."""
log = logging.getLogger(__name__)


@dataclass
class Report:
    """What a run did: a count for each word, and what could not be done, with the reason."""

    counts: Counter[str] = field(default_factory=Counter)
    stuck: dict[str, str] = field(default_factory=dict)

    def done(self) -> int:
        """How many things happened."""
        return sum(self.counts.values())


@dataclass(frozen=True)
class Till:
    """What a run works with."""

    database: Database
    gateway: Gateway
    office: Office
    concurrency: int = 8


def run(till: Till, at: datetime) -> Report:
    """Everything that is due at `at`: notices, charges, retries, ends; and attempts somebody left open. Raises NotAdopted."""
    refuse_copy(till.database)
    report = Report()
    while _act_on_due(till, at, report):
        pass
    charge_open(till, at, report)
    return report


def run_for(till: Till, subscription_id: str, at: datetime) -> Report:
    """What is due for one subscription, now: used when the reader is waiting for it.

    Twice, because an open page keeps everything else from being due, and is closed in the first round. Raises NotAdopted."""
    refuse_copy(till.database)
    report = Report()
    for _ in range(2):
        with till.database.transaction() as session:
            subscription = lock(session, subscription_id)
            if subscription.next_action_at is not None and subscription.next_action_at <= at:
                _act_on(session, till, subscription, at, report)
        charge_open(till, at, report, subscription_id=subscription_id)
    return report


def _act_on_due(till: Till, at: datetime, report: Report) -> int:
    with till.database.transaction() as session:
        due = session.exec(
            select(Subscription)
            .where(col(Subscription.next_action_at) <= at)
            .order_by(col(Subscription.next_action_at))
            .limit(BATCH)
            .with_for_update(skip_locked=True)
        ).all()
        for subscription in due:
            _act_on(session, till, subscription, at, report)
        return len(due)


def _act_on(session: Session, till: Till, subscription: Subscription, at: datetime, report: Report) -> None:
    subscription_id = subscription.id
    try:
        with session.begin_nested():
            word = act(session, till.office, subscription, at)
            session.add(subscription)
            session.flush()
    except Exception as problem:
        log.exception("subscription %s is stuck", subscription_id)
        report.stuck[subscription_id] = f"{type(problem).__name__}: {problem}"
        session.refresh(subscription)
        subscription.next_action_at = at + LOOK_AGAIN
        session.add(subscription)
    else:
        report.counts[word] += 1


def charge_open(till: Till, at: datetime, report: Report, *, subscription_id: str | None = None) -> None:
    """Bring open attempts to their end, several at once, each settled as its answer comes."""
    with claimer(till.database) as me, ThreadPoolExecutor(till.concurrency) as pool:
        while True:
            with till.database.transaction() as session:
                claimed = charge.claim(
                    session, me, at, limit=till.concurrency * 4, subscription_id=subscription_id
                )
            if not claimed:
                return
            stop_point("charge.intended")
            report.counts.update(pool.map(lambda one: _one(till, one, at), claimed))


def _one(till: Till, claimed: charge.Claimed, at: datetime) -> str:
    outcome = charge.bring_to_an_end(till.gateway, claimed, at)
    stop_point("charge.answered")
    with till.database.transaction() as session:
        word = settle(session, till.office, claimed.attempt_id, outcome, at, by="worker")
    stop_point("charge.settled")
    return word


def next_due(session: Session) -> datetime | None:
    """When the next subscription or attempt wants looking at."""
    subscription = session.exec(
        select(Subscription.next_action_at)
        .where(col(Subscription.next_action_at).is_not(None))
        .order_by(col(Subscription.next_action_at))
        .limit(1)
    ).first()
    return min((at for at in (subscription, charge.next_due(session)) if at is not None), default=None)
