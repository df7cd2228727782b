"""The billing run: claim what is due, do it, charge with no transaction open, settle. Any number of runs at once."""

import logging
from collections.abc import Sequence
from datetime import datetime
from math import inf

from sqlmodel import col, select

from billing.acquirer import breaker
from billing.acquirer.gateway_health import HealthByName
from billing.billing_run.context import BATCH, STUCK_FOR, RunContext, RunReport, in_halves, unless_locked
from billing.billing_run.drain_attempts import charge_all, drain_attempts
from billing.billing_run.due_actions import process_all_due
from billing.changes.refusals import refuse_standstill
from billing.payments import charge
from billing.platform.actors import WORKER
from billing.platform.claims import worker_lock
from billing.platform.context import TransactionContext
from billing.platform.installation import ASKING, refuse_held
from billing.subscriptions.change import lock, lock_all, postpone_action
from billing.subscriptions.models import Subscription

SCHEDULED_SECONDS = 300.0
"""After which a scheduled run makes room for the next, which has a newer instant: a month's charges may take hours at the acquirer's
rate, and what becomes due meanwhile, such as a notice in its window, must not wait for the last of them."""
log = logging.getLogger(__name__)


def run(run_context: RunContext, at: datetime, *, most_seconds: float = inf) -> RunReport:
    """Do everything that is due at `at`: notices, charges, retries, ends, and attempts that a dead worker left open. After
    `most_seconds` nothing more is begun. Raises NotAdopted, AsksAcquirer."""
    with run_context.database.transaction() as session:
        refuse_held(session)
    report, done = RunReport(), 0
    seconds = run_context.acquirers.monotonic.seconds
    ends_at = seconds() + most_seconds

    def process_next() -> int:
        """A beginning run is no progress, as it may fail each time; a settled attempt since the last batch is."""
        nonlocal done
        processed = _process_due(run_context, at, report)
        if processed or report.done() > done:
            run_context.got_on()
        done = report.done()
        return processed

    drain_attempts(run_context, at, report, meanwhile=process_next, is_over=lambda: seconds() >= ends_at)
    run_context.got_on()
    return report


def run_for(run_context: RunContext, subscription_id: str, at: datetime) -> RunReport:
    """Do what is due for one subscription now, while its reader waits. Raises StandsStill."""
    with run_context.database.transaction() as session:
        refuse_standstill(session)
    report = RunReport()
    drain_attempts(
        run_context,
        at,
        report,
        subscription_id=subscription_id,
        meanwhile=lambda: _process(run_context, [subscription_id], at, report),
    )
    return report


def _process_due(run_context: RunContext, at: datetime, report: RunReport) -> int:
    """The next batch, in one transaction; its size. Where one subscription breaks it, it is done in halves."""
    found: list[str] = []
    try:
        with run_context.database.begin(run_context.site, at, WORKER) as ctx:
            due = claim_due(ctx)
            found = [subscription.id for subscription in due]
            words = process_all_due(ctx, due)
    except Exception:
        if not found:
            raise
        log.warning("a batch of %d is done in halves, because something in it breaks", len(found))
        _process(run_context, found, at, report)
    else:
        report.counts.update(words)
    return len(found)


def claim_due(ctx: TransactionContext) -> Sequence[Subscription]:
    """The next due subscriptions that no other run has locked, locked until the transaction ends."""
    return ctx.session.exec(
        select(Subscription)
        .where(col(Subscription.next_action_at) <= ctx.at)
        .order_by(col(Subscription.next_action_at))
        .limit(BATCH)
        .with_for_update(skip_locked=True)  # never waits, so an order other than by id can't deadlock
    ).all()


def _process(
    run_context: RunContext, subscription_ids: Sequence[str], at: datetime, report: RunReport
) -> int:
    """Do what is due for these; how many were due. A failing one waits, and holds up no other."""
    done = 0

    def process(some: Sequence[str]) -> None:
        nonlocal done
        with run_context.database.begin(run_context.site, at, WORKER) as ctx:
            locked = lock_all(ctx.session, some).values()
            # another run may have done it before this lock
            due = [each for each in locked if each.next_action_at is not None and each.next_action_at <= at]
            words = process_all_due(ctx, due)
        report.counts.update(words)
        done += len(due)

    def postpone(subscription_id: str, problem: Exception) -> None:
        log.error("subscription %s is stuck", subscription_id, exc_info=problem)
        report.stuck[subscription_id] = f"{type(problem).__name__}: {problem}"
        with unless_locked(), run_context.database.transaction() as session:
            postpone_action(lock(session, subscription_id), at + STUCK_FOR)

    in_halves(process, subscription_ids, postpone)
    return done


def probe(run_context: RunContext, at: datetime) -> int:
    """While charging is paused: ask whether the acquirer answers, and if so send one charge, which decides; the number of probes.
    An answer that only says "unknown charge" decides nothing, so the next charge is sent. Raises NotAdopted, AsksAcquirer."""
    with run_context.database.transaction() as session:
        refuse_held(session)
        names = [each.name for each in run_context.acquirers if breaker.begin_probe(session, each.name, at)]
    if names:
        with run_context.health(at) as health, worker_lock(run_context.database) as worker:
            for name in names:
                _probe(run_context, health, name, worker, at)
    return len(names)


def _probe(run_context: RunContext, health: HealthByName, name: str, worker: int, at: datetime) -> None:
    acquirer = health[name]
    silence = acquirer.gateway.answers()
    if silence is not None:
        acquirer.note(silence)
    while not acquirer.answered:
        with run_context.database.begin(run_context.site, at, WORKER) as ctx:
            claimed = charge.claim(ctx, worker, limit=1, paused_at=name)
        if not claimed:  # no charge is left that could decide
            acquirer.note(None)
        charge_all(run_context, health, worker, claimed, at, RunReport())


NEXT_DUE = f"""SELECT least((SELECT min(next_action_at) FROM subscription WHERE NOT EXISTS ({ASKING})),
                            ({charge.NEXT_DUE}))"""  # noqa: S608
"""When the next subscription or attempt is due (see `timetable.Job`)."""
