"""Our books against acquirers' balances and payouts. What still differs after asking once more opens a case (STR-11)."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from sqlmodel import Session

from billing.acquirer.balance_port import TakenCharge, TakenRefund
from billing.cases.find import open_among
from billing.payments import balance_mirror
from billing.platform.actors import WORKER
from billing.reconcile import compare, payouts
from billing.reconcile.catch_up import (
    MOST,
    ReconcileContext,
    catch_up,
    listed,
    poll_cards_that_end,
    poll_missed_objections,
    poll_open_disputes,
)
from billing.reconcile.compare import ComparedSpan
from billing.reconcile.differences import Describe, Difference, open_difference
from billing.rules.periods import start_of_day
from billing.rules.reconciliation import Discrepancy, Pair, Thing

Taken = dict[str, TakenCharge | TakenRefund]
"""What the acquirer says of things that we don't know, by its references."""


@dataclass
class ComparisonReport:
    """What a comparison found."""

    since: date
    through: date
    movements: int = 0
    caught_up: int = 0
    """Things that differed, or were unknown here, until we asked the acquirer again: their events had been lost."""
    differences: list[Difference] = field(default_factory=list)
    unexplained: int = 0
    """Differences whose case is still open."""


def reconcile(
    run: ReconcileContext,
    since: date,
    through: date,
    at: datetime,
    doing: Callable[[str], None] = lambda _: None,
) -> ComparisonReport:
    """Compare the civil days from `since` through `through`, with each acquirer. Safe to repeat: a difference opens its case
    once. `doing` receives a text before each slow step. Raises Unavailable when an acquirer's books can't be read completely."""
    zone = run.site.zone
    span = ComparedSpan(start_of_day(since, zone), start_of_day(through + timedelta(days=1), zone))
    report = ComparisonReport(since, through)
    for of_acquirer in run.each():
        _reconcile(of_acquirer, span, at, report, doing)
    return report


def _reconcile(
    run: ReconcileContext,
    span: ComparedSpan,
    at: datetime,
    report: ComparisonReport,
    doing: Callable[[str], None],
) -> None:
    theirs, acquirer = run.gateway.display_name, run.acquirer
    doing(f"reading what {theirs}'s balance says")
    moved = listed(run.gateway.books.movements(span.start, span.end))
    doing(f"comparing {len(moved)} movements at {theirs} with our books")
    with run.database.begin(run.site, at, WORKER) as ctx:
        balance_mirror.keep_movements(ctx, acquirer, moved)
        refs = compare.touched(ctx.session, acquirer, span)
        before = _differing(ctx.session, acquirer, refs)
        unkept = payouts.unkept(ctx.session, acquirer)
    doing(f"asking {theirs} about {len(unkept)} payouts and {len(before)} differences")
    kept = payouts.keep_all(run, unkept, at)
    payouts.learn_references(run, acquirer, at)
    catch_up(run, before, at)
    doing(f"asking {theirs} for disputes and warnings we have not heard of, and for what became of open ones")
    missed, unanswered = poll_missed_objections(run, span.start, span.end, at)
    unanswered += poll_open_disputes(run, at)
    poll_cards_that_end(run, at)  # no case for one without an answer: the next morning asks again
    doing("comparing once more")
    with run.database.transaction() as session:
        after = _differing(session, acquirer, refs)
    taken = _taken(run, after)
    describe = Describe(acquirer, theirs)
    with run.database.begin(run.site, at, WORKER) as ctx:
        differences = _described(ctx.session, describe, span, after, taken)
        differences += [describe.unanswered(ref, reason) for ref, reason in dict(unanswered).items()]
        for difference in differences:
            open_difference(ctx, difference)
        cases = {(difference.kind, difference.subject) for difference in differences}
        report.unexplained += len(open_among(ctx.session, cases))
    report.movements += len(moved)
    report.caught_up += len(before) - len(after) + kept + missed
    report.differences += differences


def _differing(session: Session, acquirer: str, refs: compare.Refs) -> list[Pair]:
    return [pair for pair in compare.side_by_side(session, acquirer, refs) if pair.verdict is not None]


def _taken(run: ReconcileContext, differing: list[Pair]) -> Taken:
    """Ask whose the charges and refunds are that we don't know."""
    unknown = [pair for pair in differing if pair.verdict is Discrepancy.UNKNOWN]
    charges, refunds = (
        [pair.ref for pair in unknown if pair.thing is thing][:MOST] for thing in (Thing.CHARGE, Thing.REFUND)
    )
    answers = [
        *((ref, run.gateway.books.charge(ref)) for ref in charges),
        *((ref, run.gateway.books.refund(ref)) for ref in refunds),
    ]
    return {ref: answer for ref, answer in answers if isinstance(answer, TakenCharge | TakenRefund)}


def _described(
    session: Session, describe: Describe, span: ComparedSpan, differing: list[Pair], taken: Taken
) -> list[Difference]:
    """What still differs, in words: things, unexpected movements, payouts."""
    found = []
    for pair in differing:
        answer = taken.get(pair.ref)
        if isinstance(answer, TakenRefund):
            found.append(describe.refund(session, pair, answer))
        else:
            found.append(describe.pair(session, pair, answer))
    found += [describe.movement(row) for row in compare.unexpected(session, describe.acquirer, span)]
    off = [*payouts.off(session, describe.acquirer, span), *payouts.short(session, describe.acquirer, span)]
    return found + [describe.payout(payout, total) for payout, total in off]
