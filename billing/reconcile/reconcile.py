"""Our books against acquirers' balances and payouts: what still differs after asking once more opens a case (STR-11)."""

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
    ask_about_cards,
    ask_about_open,
    ask_about_unheard,
    ask_about_unpresented,
    catch_up,
    listed,
)
from billing.reconcile.compare import ComparedSpan
from billing.reconcile.differences import Describe, Difference, open_difference
from billing.rules.periods import start_of_day
from billing.rules.reconciliation import Discrepancy, Pair, Thing


@dataclass
class ComparisonReport:
    """What a comparison found."""

    since: date
    through: date
    movements: int = 0
    caught_up: int = 0
    """Things that differed, or that we had never heard of, until the acquirer was asked again: news that had been lost."""
    differences: list[Difference] = field(default_factory=list)
    unexplained: int = 0
    """Differences whose case nobody has closed."""


def reconcile(
    run: ReconcileContext,
    since: date,
    through: date,
    at: datetime,
    doing: Callable[[str], None] = lambda _: None,
) -> ComparisonReport:
    """Compare the civil days from `since` through `through`, with each acquirer. Safe to repeat: a difference opens its case
    once. `doing` is told, in words, of each step that may take long.

    Raises Unavailable when an acquirer's books can't be read to the end."""
    zone = run.site.zone
    span = ComparedSpan(start_of_day(since, zone), start_of_day(through + timedelta(days=1), zone))
    report = ComparisonReport(since, through)
    for one in run.each():
        _reconcile(one, span, at, report, doing)
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
        balance_mirror.keep(ctx, acquirer, moved)
        refs = compare.touched(ctx.session, acquirer, span)
        before = _differing(ctx.session, acquirer, refs)
        unkept = payouts.unkept(ctx.session, acquirer)
    doing(f"asking {theirs} about {len(unkept)} payouts and {len(before)} differences")
    kept = payouts.keep_all(run, unkept, at)
    catch_up(run, before, at)
    doing(f"asking {theirs} for disputes and warnings we have not heard of, and for what became of open ones")
    unheard, unasked = ask_about_unheard(run, span.start, span.end, at)
    unasked += ask_about_open(run, at)
    unasked += ask_about_unpresented(run, at)
    unasked += ask_about_cards(run, at)
    doing("comparing once more")
    with run.database.transaction() as session:
        after = _differing(session, acquirer, refs)
    charges, refunds = _name(run, after), _name_refunds(run, after)
    describe = Describe(acquirer, theirs)
    with run.database.begin(run.site, at, WORKER) as ctx:
        found = [
            describe.refund(ctx.session, pair, refunds[pair.ref])
            if pair.ref in refunds
            else describe.pair(ctx.session, pair, charges.get(pair.ref))
            for pair in after
        ]
        found += [describe.movement(row) for row in compare.unexpected(ctx.session, acquirer, span)]
        odd = [*payouts.off(ctx.session, acquirer, span), *payouts.short(ctx.session, acquirer, span)]
        found += [describe.payout(payout, total) for payout, total in odd]
        found += [describe.unasked(ref, reason) for ref, reason in dict(unasked).items()]
        for one in found:
            open_difference(ctx, one)
        report.unexplained += len(open_among(ctx.session, {(one.kind, one.subject) for one in found}))
    report.movements += len(moved)
    report.caught_up += len(before) - len(after) + kept + unheard
    report.differences += found


def _differing(session: Session, acquirer: str, refs: compare.Refs) -> list[Pair]:
    return [pair for pair in compare.side_by_side(session, acquirer, refs) if pair.verdict is not None]


def _name(run: ReconcileContext, differing: list[Pair]) -> dict[str, TakenCharge]:
    """Whose the charges are that we don't know."""
    unknown = [
        pair.ref for pair in differing if pair.thing is Thing.CHARGE and pair.verdict is Discrepancy.UNKNOWN
    ]
    found = ((ref, run.gateway.books.charge(ref)) for ref in unknown[:MOST])
    return {ref: charge for ref, charge in found if isinstance(charge, TakenCharge)}


def _name_refunds(run: ReconcileContext, differing: list[Pair]) -> dict[str, TakenRefund]:
    """Whose money the refunds returned that we don't know."""
    unknown = [
        pair.ref for pair in differing if pair.thing is Thing.REFUND and pair.verdict is Discrepancy.UNKNOWN
    ]
    found = ((ref, run.gateway.books.refund(ref)) for ref in unknown[:MOST])
    return {ref: refund for ref, refund in found if isinstance(refund, TakenRefund)}
