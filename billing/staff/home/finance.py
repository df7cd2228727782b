"""Money on the first page: disputes by deadline, what readers are owed, refunds and differences that wait, and the month."""

from datetime import timedelta

from sqlmodel import col, select

from billing.acquirer.balance_port import DisputeState
from billing.cases.models import CaseKind
from billing.payments import postings, refunds_owed
from billing.payments.dispute_models import Dispute
from billing.platform.bulk import load
from billing.platform.context import TransactionContext
from billing.readers.models import Reader
from billing.refunds import shortage
from billing.reports import books
from billing.rules.money import Money
from billing.staff import approvals
from billing.staff.home.lines import LISTED, HomeLine, HomePart, WaitingCount, count, oldest_for
from billing.staff.lists.refunds import RefundProgress

SOON = timedelta(days=3)
"""A dispute whose answer is due within this is urgent."""
CASES = "/staff/cases"
BOOKS = "/staff/books"
OWED = "/staff/owed"
DIFFERENCES = (
    *(CaseKind.UNKNOWN_CHARGE, CaseKind.MISSING_CHARGE, CaseKind.OTHER_AMOUNT, CaseKind.UNKNOWN_REFUND),
    *(CaseKind.MISSING_REFUND, CaseKind.UNKNOWN_DISPUTE, CaseKind.MISSING_DISPUTE, CaseKind.PAYOUT_SUM),
    *(CaseKind.UNEXPECTED_MOVEMENT, CaseKind.NOT_COMPARED),
)
"""The cases that a comparison of the books opens."""
_DISPUTES = "SELECT answer_by, amount FROM dispute WHERE decided_at IS NULL AND state = 'needs_answer'"
_CASES = "SELECT opened_at, 0 FROM staff_case WHERE closed_at IS NULL"
_PENDING = "SELECT created_at, amount FROM refund WHERE state IN ('intended', 'pending') AND awaiting_balance_since IS NULL"


def finance_part(ctx: TransactionContext, *, short: bool) -> HomePart:
    """What finance decides about today; `short` counts it, without the month."""
    lines = [
        *(_disputes_counted(ctx) if short else _disputes(ctx)),
        *_owed(ctx),
        *_approvals(ctx),
        *_short_of_balance(ctx),
        *(() if short else _pending(ctx)),
        *_differences(ctx),
        *_other_cases(ctx),
    ]
    nothing = "No dispute, approval or difference waits, and no reader is owed money."
    return HomePart(name="money", title="Money", nothing=nothing, lines=tuple(lines))


def month_part(ctx: TransactionContext) -> HomePart:
    """The present month up to today, by the ledger. VAT and net are those of the VAT report, with what banks took back."""
    first = ctx.today.replace(day=1)
    rows = books.vat(ctx.session, first, ctx.today)
    charged = sum(row.gross for row in rows if row.kind == postings.INVOICE)
    refunded = -sum(row.gross for row in rows if row.kind == postings.REFUND)
    vat, net = sum(row.vat for row in rows), sum(row.net for row in rows)
    link = f"{BOOKS}?month={first:%Y-%m}"
    shown = (
        ("Charged", charged, "incl. VAT"),
        ("Refunded", refunded, "incl. VAT"),
        ("VAT", vat, "to pay over"),
        ("Net", net, "excl. VAT"),
    )
    lines = tuple(
        HomeLine(what=what, link=link, amount=Money(cents), after_amount=after)
        for what, cents, after in shown
    )
    title = f"{ctx.today:%B %Y}, to date"
    return HomePart(
        name="month", title=title, nothing="Nothing was charged this month yet.", lines=lines if rows else ()
    )


def _disputes(ctx: TransactionContext) -> list[HomeLine]:
    """The disputes that want an answer, the nearest deadline first."""
    wanting = (
        select(Dispute)
        .where(col(Dispute.decided_at).is_(None), Dispute.state == DisputeState.NEEDS_ANSWER)
        .order_by(col(Dispute.answer_by).asc().nulls_last(), col(Dispute.id))
        .limit(LISTED)
    )
    rows = ctx.session.exec(wanting).all()
    readers = load(ctx.session, Reader, {row.reader_id for row in rows})
    return [
        HomeLine(
            what="A bank asks about a charge" if row.inquiry else "A bank disputes a charge",
            link=f"/staff/readers/{row.reader_id}/disputes/{row.id}",
            note=readers[row.reader_id].email,
            before_at="answer by" if row.answer_by else "",
            at=row.answer_by,
            amount=Money(row.amount),
            urgent=row.answer_by is not None and row.answer_by < ctx.at + SOON,
        )
        for row in rows
    ]


def _disputes_counted(ctx: TransactionContext) -> list[HomeLine]:
    found = count(ctx.session, _DISPUTES)
    if not found.number:
        return []
    return [
        HomeLine(
            what=f"{found.words('dispute wants', 'disputes want')} an answer",
            link=CASES,
            before_at="the first by" if found.since else "",
            at=found.since,
            amount=Money(found.cents),
            urgent=found.since is not None and found.since < ctx.at + SOON,
        )
    ]


def _owed(ctx: TransactionContext) -> list[HomeLine]:
    """Refunds that failed for good, and charges that nothing explains and no refund returned."""
    refunds = refunds_owed.to_readers(ctx.session)
    unexplained = books.unexplained_owed(ctx.session)
    number = len(refunds) + len(unexplained)
    if not number:
        return []
    cents = sum(row.amount for row in refunds) + sum(row.amount for row in unexplained)
    oldest = min(
        [*map(refunds_owed.failed_at, refunds), *(row.given_up_at or row.found_at for row in unexplained)]
    )
    owed = WaitingCount(number).words("refund is", "refunds are")
    return [
        HomeLine(
            what=f"{owed} owed to readers by bank transfer",
            link=OWED,
            age=oldest_for(ctx, oldest),
            amount=Money(cents),
            urgent=True,
        )
    ]


def _approvals(ctx: TransactionContext) -> list[HomeLine]:
    waiting = approvals.waiting(ctx)
    if not waiting:
        return []
    cents = sum(row.cents for row in waiting)
    return [
        HomeLine(
            what=f"{WaitingCount(len(waiting)).words('approval waits', 'approvals wait')} for a second member",
            link="/staff/approvals",
            age=oldest_for(ctx, waiting[0].asked_at),
            amount=Money(cents) if cents else None,
        )
    ]


def _short_of_balance(ctx: TransactionContext) -> list[HomeLine]:
    short = shortage.now(ctx.session)
    if short is None:
        return []
    return [
        HomeLine(
            what=f"{WaitingCount(short.count).words('refund waits', 'refunds wait')} for balance at the acquirer",
            link=OWED,
            age=oldest_for(ctx, short.since),
            amount=Money(short.cents),
            urgent=True,
        )
    ]


def _pending(ctx: TransactionContext) -> list[HomeLine]:
    found = count(ctx.session, _PENDING)
    if found.since is None:
        return []
    return [
        HomeLine(
            what=f"{found.words('refund is', 'refunds are')} on the way to readers’ cards",
            link=f"/staff/refunds?state={RefundProgress.UNDER_WAY}",
            age=oldest_for(ctx, found.since),
            amount=Money(found.cents),
        )
    ]


def _differences(ctx: TransactionContext) -> list[HomeLine]:
    found = count(ctx.session, f"{_CASES} AND kind = ANY(:kinds)", kinds=list(DIFFERENCES))
    what = found.words("unexplained difference", "unexplained differences")
    return _cases(ctx, found, f"{what} with the acquirer’s books")


def _other_cases(ctx: TransactionContext) -> list[HomeLine]:
    """The open cases that no line above counts."""
    above = [*DIFFERENCES, CaseKind.DISPUTE, CaseKind.REFUND_FAILED, CaseKind.REFUNDS_WAIT]
    found = count(ctx.session, f"{_CASES} AND kind <> ALL(:kinds)", kinds=above)
    return _cases(ctx, found, found.words("other case is open", "other cases are open"))


def _cases(ctx: TransactionContext, found: WaitingCount, what: str) -> list[HomeLine]:
    if found.since is None:
        return []
    age = oldest_for(ctx, found.since)
    return [HomeLine(what=what, link=CASES, age=age)]
