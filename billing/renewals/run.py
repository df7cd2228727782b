"""The billing run: claim what is due, do it, charge with no transaction open, settle. Any number at once."""

import logging
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from billing.crew import claimer
from billing.db import Database
from billing.installation import refuse_copy
from billing.office import Office
from billing.payments import breaker, charge
from billing.payments.gateway import Gateway
from billing.payments.pace import Lane, Pace
from billing.payments.watch import Watch
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
    pace: Pace
    pause_after: int
    concurrency: int = 8

    def watch(self, at: datetime) -> Watch:
        """Who listens to what Stripe answers."""
        return Watch(self.database, self.pace, at, self.pause_after)


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
    """Bring open attempts to their end, several at once, each settled as its answer comes; none while charging is paused."""
    watch = till.watch(at)
    with claimer(till.database) as me, watch.lane() as lane, ThreadPoolExecutor(till.concurrency) as pool:
        while True:
            with till.database.transaction() as session:
                most = 0 if breaker.paused(session) else till.concurrency * 4
                claimed = charge.claim(session, me, at, limit=most, subscription_id=subscription_id)
            if not claimed:
                return
            stop_point("charge.intended")
            # the log's request id goes along into the threads
            work = [(copy_context(), one) for one in claimed]
            report.counts.update(
                pool.map(lambda job: job[0].run(_one, till, watch, lane, me, job[1], report, at), work)
            )


def probe(till: Till, at: datetime) -> int:
    """While charging is paused: ask whether Stripe answers, and if so bring one charge to its end, which decides; how many
    probes were made. Raises NotAdopted."""
    refuse_copy(till.database)
    with till.database.transaction() as session:
        if not breaker.begin_probe(session, at):
            return 0
    watch = till.watch(at)
    silence = till.gateway.answers()
    if silence is not None:
        watch.note(silence)
        return 1
    with claimer(till.database) as me, watch.lane() as lane:
        with till.database.transaction() as session:
            claimed = charge.claim(session, me, at, limit=1)
        words = [_one(till, watch, lane, me, one, Report(), at) for one in claimed]
        if words in ([], ["withdrawn"]):  # nothing was sent that could tell us more
            watch.note(None)
    return 1


def _one(
    till: Till, watch: Watch, lane: Lane, me: int, claimed: charge.Claimed, report: Report, at: datetime
) -> str:
    lane.wait()
    if watch.paused.is_set():  # begun by a charge of this very batch: the rest of it wasn't sent
        with till.database.transaction() as session:
            charge.let_go(session, claimed, me)
        return "held"
    try:
        return _send(till, watch, claimed, at)
    except Exception as problem:  # one that can't be settled holds up nobody
        log.exception("attempt %s is stuck", claimed.attempt_id)
        report.stuck[claimed.attempt_id] = f"{type(problem).__name__}: {problem}"
        with till.database.transaction() as session:
            charge.put_off(session, claimed.attempt_id, until=at + LOOK_AGAIN)
        return "stuck"


def _send(till: Till, watch: Watch, claimed: charge.Claimed, at: datetime) -> str:
    outcome = charge.bring_to_an_end(till.gateway, claimed, at)
    if not isinstance(outcome, charge.Withdrawn):  # Stripe may not have been asked at all
        watch.note(outcome)
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
    attempt = None if breaker.paused(session) else charge.next_due(session)
    return min((at for at in (subscription, attempt) if at is not None), default=None)
