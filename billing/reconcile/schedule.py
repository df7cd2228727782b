"""When the books are compared: each morning, from the day of the first attempt on. A missed morning is made up for."""

import logging
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import sqlalchemy as sa
from sqlmodel import Session, col, func, select

from billing.payments.balance_models import Reconciliation
from billing.platform.actors import WORKER
from billing.platform.claims import only_one
from billing.platform.context import TransactionContext
from billing.platform.db import instant
from billing.platform.errors import Unavailable
from billing.platform.installation import refuse_held
from billing.reconcile.catch_up import ReconcileContext
from billing.reconcile.reconcile import ComparisonReport, reconcile
from billing.rules import backoff
from billing.rules.periods import civil_date, start_of_day

log = logging.getLogger(__name__)
COMPARING = "reconcile"
"""The name of the lock that the comparing process holds."""
AFTER_MIDNIGHT = timedelta(hours=5)
"""When yesterday is compared: late enough for events of its last minutes."""
DAY = timedelta(days=1)
MOST = 30 * DAY
"""The most that is compared at once after a long pause; the rest is due directly afterwards."""


def since_when(ctx: TransactionContext) -> date | None:
    """The first civil day that wasn't compared; None before the first attempt."""
    through = ctx.session.exec(
        select(func.max(Reconciliation.through)).where(col(Reconciliation.done_at).is_not(None))
    ).one()
    if through is not None:
        return through + DAY
    first = instant(ctx.session, _FIRST_ATTEMPT)
    return civil_date(first, ctx.zone) if first is not None else None


def reconcile_due(run: ReconcileContext, at: datetime) -> int:
    """Compare past days that weren't compared; the number of comparisons made or tried. One worker at a time."""
    done = 0
    with only_one(run.database, COMPARING) as here:
        while here and _compare_next(run, at):
            done += 1
    return done


def _compare_next(run: ReconcileContext, at: datetime) -> bool:
    """Compare the next days; whether any were due. After a failure one day at a time: the amount may have broken it.

    Raises NotAdopted or AsksAcquirer while money is held: what a restored database lacks is no difference yet."""
    with run.database.begin(run.site, at, WORKER) as ctx:
        since, due = since_when(ctx), instant(ctx.session, NEXT_DUE)
        failed = ctx.session.exec(
            select(Reconciliation.tries).where(col(Reconciliation.done_at).is_(None))
        ).first()
        if since is None or due is None or due > at:
            return False
        refuse_held(ctx.session)
    through = since if failed else min(max(since, run.site.today(at) - DAY), since + MOST)
    try:
        keep(run, reconcile(run, since, through, at), at)
    except Exception as error:
        if not isinstance(error, Unavailable):
            log.exception("the books can't be compared from %s through %s", since, through)
        _postpone(run, since, through, at, f"{type(error).__name__}: {error}"[:500])
    return True


def keep(run: ReconcileContext, report: ComparisonReport, at: datetime) -> None:
    """Note that the days of the report were compared."""
    with run.database.begin(run.site, at, WORKER) as ctx:
        row = _row(ctx, report.since, report.through)
        row.done_at, row.problem = at, None
        row.next_at = start_of_day(report.through + 2 * DAY, run.site.zone) + AFTER_MIDNIGHT
        row.movements, row.differences = report.movements, len(report.differences)


def _postpone(run: ReconcileContext, since: date, through: date, at: datetime, problem: str) -> None:
    with run.database.begin(run.site, at, WORKER) as ctx:
        row = _row(ctx, since, through)
        row.tries += 1
        row.next_at, row.problem = backoff.again_at(row.tries, at), problem


def _row(ctx: TransactionContext, since: date, through: date) -> Reconciliation:
    """The row of these days. It replaces one that failed and reached less far."""
    known = ctx.session.get(Reconciliation, through)
    if known is not None:
        return known
    tries = 0
    for other in ctx.session.exec(select(Reconciliation).where(col(Reconciliation.done_at).is_(None))):
        tries = other.tries
        ctx.session.delete(other)
    row = Reconciliation(through=through, since=since, next_at=ctx.at, tries=tries)
    ctx.session.add(row)
    return row


# Not the first payment: its event may be what was lost.
_FIRST_ATTEMPT = "SELECT min(intended_at) FROM attempt"
NEXT_DUE = f"""SELECT coalesce((SELECT next_at FROM reconciliation ORDER BY through DESC LIMIT 1),
                               ({_FIRST_ATTEMPT}) + interval '24 hours')"""  # noqa: S608
"""When the next comparison is made: first a day after the first attempt (see `timetable.Job`)."""


LATE = timedelta(hours=12)
"""How late a comparison may be: longer than one outage of the acquirer, and before the next is due."""
COMPARISON_PROGRESS = f"""SELECT done.through, coalesce(done.next_at, ({_FIRST_ATTEMPT}) + interval '24 hours') AS due_at,
                      (SELECT problem FROM reconciliation WHERE done_at IS NULL ORDER BY through DESC LIMIT 1) AS problem
               FROM (VALUES (1)) AS once (one) LEFT JOIN LATERAL (
                   SELECT through, next_at FROM reconciliation WHERE done_at IS NOT NULL ORDER BY through DESC LIMIT 1) done ON true"""  # noqa: S608
"""How far the books were compared (`through`), when the next days are due, and why comparing them failed."""


@dataclass(frozen=True, slots=True)
class ComparisonProgress:
    """How far the books were compared; `due_at` is None before the first attempt at a charge."""

    through: date | None
    due_at: datetime | None
    problem: str | None

    def is_late(self, at: datetime) -> bool:
        """Whether a comparison is overdue."""
        return self.due_at is not None and self.due_at < at - LATE


def comparison_progress(session: Session) -> ComparisonProgress:
    """How far our books were compared with the acquirer's."""
    return ComparisonProgress(*session.execute(sa.text(COMPARISON_PROGRESS)).one())


def last_compared_at(session: Session) -> datetime | None:
    """When a comparison was last finished. One row a day, so there is no index."""
    return instant(session, "SELECT max(done_at) FROM reconciliation")


def next_words(_: Session) -> str:
    """The job in words, for people."""
    return "our books are compared with the acquirer's"
