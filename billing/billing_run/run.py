"""The billing run: claim what is due, do it, charge with no transaction open, settle. Any number at once."""

import logging
from collections.abc import Sequence
from datetime import datetime

from sqlmodel import col, select

from billing.acquirer import breaker
from billing.acquirer.gateway_health import HealthByName
from billing.billing_run.context import BATCH, LOOK_AGAIN, RunContext, RunReport, in_halves, unless_locked
from billing.billing_run.drain_attempts import charge_all, drain_attempts
from billing.billing_run.due_actions import process_all_due
from billing.changes.refusals import refuse_standstill
from billing.payments import charge
from billing.platform.actors import WORKER
from billing.platform.claims import worker_lock
from billing.platform.context import TransactionContext
from billing.platform.installation import ASKING, refuse_held
from billing.subscriptions.change import lock, lock_all, look_again
from billing.subscriptions.models import Subscription

log = logging.getLogger(__name__)


def run(run_context: RunContext, at: datetime) -> RunReport:
    """Everything that is due at `at`: notices, charges, retries, ends; and attempts somebody left open. Raises NotAdopted,
    AsksAcquirer."""
    with run_context.database.transaction() as session:
        refuse_held(session)
    report, done = RunReport(), 0

    def act() -> int:
        """What has been settled since the last batch counts too. That a run began doesn't: it may break each time."""
        nonlocal done
        acted = _act_on_due(run_context, at, report)
        if acted or report.done() > done:
            run_context.got_on()
        done = report.done()
        return acted

    drain_attempts(run_context, at, report, meanwhile=act)
    run_context.got_on()
    return report


def run_for(run_context: RunContext, subscription_id: str, at: datetime) -> RunReport:
    """What is due for one subscription, now: used when the reader is waiting for it. Raises StandsStill."""
    with run_context.database.transaction() as session:
        refuse_standstill(session)
    report = RunReport()
    drain_attempts(
        run_context,
        at,
        report,
        subscription_id=subscription_id,
        meanwhile=lambda: _act_on(run_context, [subscription_id], at, report),
    )
    return report


def _act_on_due(run_context: RunContext, at: datetime, report: RunReport) -> int:
    """The next batch, in one transaction; how many were in it. When one of them breaks it, it is done in halves."""
    found: list[str] = []
    try:
        with run_context.database.begin(run_context.site, at, WORKER) as ctx:
            due = claim_due(ctx)
            found = [one.id for one in due]
            words = process_all_due(ctx, due)
    except Exception:
        if not found:
            raise
        log.warning("a batch of %d is done in halves, because something in it breaks", len(found))
        _act_on(run_context, found, at, report)
    else:
        report.counts.update(words)
    return len(found)


def claim_due(ctx: TransactionContext) -> Sequence[Subscription]:
    """The next that are due and that nobody else is at, locked until the transaction ends."""
    return ctx.session.exec(
        select(Subscription)
        .where(col(Subscription.next_action_at) <= ctx.at)
        .order_by(col(Subscription.next_action_at))
        .limit(BATCH)
        .with_for_update(skip_locked=True)
    ).all()


def _act_on(run_context: RunContext, subscription_ids: Sequence[str], at: datetime, report: RunReport) -> int:
    """What is due for these, and how many of them were. One that can't be worked on waits, and holds up nobody."""
    done = 0

    def act_on(some: Sequence[str]) -> None:
        nonlocal done
        with run_context.database.begin(run_context.site, at, WORKER) as ctx:
            locked = lock_all(ctx.session, some).values()
            due = [one for one in locked if one.next_action_at is not None and one.next_action_at <= at]
            words = process_all_due(ctx, due)
        report.counts.update(words)
        done += len(due)

    def put_off(subscription_id: str, problem: Exception) -> None:
        log.error("subscription %s is stuck", subscription_id, exc_info=problem)
        report.stuck[subscription_id] = f"{type(problem).__name__}: {problem}"
        with unless_locked(), run_context.database.transaction() as session:
            subscription = lock(session, subscription_id)
            look_again(subscription, at + LOOK_AGAIN)
            session.add(subscription)

    in_halves(act_on, subscription_ids, put_off)
    return done


def probe(run_context: RunContext, at: datetime) -> int:
    """While charging is paused: ask whether the acquirer answers, and if so send one charge, which decides; how many probes were
    made. Those of which it only says that it doesn't know them decide nothing, so they are passed. Raises NotAdopted,
    AsksAcquirer."""
    with run_context.database.transaction() as session:
        refuse_held(session)
        asked = [one.name for one in run_context.acquirers if breaker.begin_probe(session, one.name, at)]
    if asked:
        with run_context.health(at) as health, worker_lock(run_context.database) as me:
            for name in asked:
                _probe(run_context, health, name, me, at)
    return len(asked)


def _probe(run_context: RunContext, health: HealthByName, name: str, me: int, at: datetime) -> None:
    acquirer = health[name]
    silence = acquirer.gateway.answers()
    if silence is not None:
        acquirer.note(silence)
    while not acquirer.answered:
        with run_context.database.begin(run_context.site, at, WORKER) as ctx:
            claimed = charge.claim(ctx, me, limit=1, paused_at=name)
        if not claimed:  # there is nothing to send that could tell us more
            acquirer.note(None)
        charge_all(run_context, health, me, claimed, at, RunReport())


NEXT_DUE = f"""SELECT least((SELECT min(next_action_at) FROM subscription WHERE NOT EXISTS ({ASKING})),
                            ({charge.NEXT_DUE}))"""  # noqa: S608
"""When the next subscription or attempt wants looking at (see `timetable.Job`)."""
