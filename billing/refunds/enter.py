"""Enter a refund that was made in the acquirer's dashboard, with its credit note."""

from sqlmodel import Session, select

from billing.acquirer.balance_port import TakenRefund
from billing.cases.close import close_about
from billing.cases.models import CaseKind
from billing.notices.refunds import refund_paid_back
from billing.payments import postings, refunds_owed
from billing.payments.models import Payment
from billing.payments.refund_models import Refund, RefundState
from billing.platform.context import TransactionContext
from billing.platform.errors import Conflict
from billing.platform.logs import log_event
from billing.refunds import refund
from billing.rules.clocks import APART


class AlreadyEntered(Conflict):
    """This refund is in our books already."""

    code = "refund_known"


def debt_that_it_pays(session: Session, payment: Payment, found: TakenRefund) -> Refund | None:
    """A bounced refund of ours whose money this one has returned: it was made after the bounce, or nothing else could have
    covered it. `bounced_at` is when we heard of the bounce, so clocks may differ by `APART`."""
    if found.answer.state != RefundState.SUCCEEDED:
        return None
    nothing_else = found.amount > refund.not_given(session, payment)
    return next(
        (
            row
            for row in refunds_owed.of_payment(session, payment)
            if row.bounced_at is not None
            and row.amount == found.amount
            and (nothing_else or found.at >= row.bounced_at - APART)
        ),
        None,
    )


def check_enterable(session: Session, payment: Payment, found: TakenRefund) -> None:
    """Check that it can be entered. Raises AlreadyEntered, MoreThanLeft."""
    ref = found.answer.refund_ref
    by_ref = select(Refund.id).where(
        Refund.acquirer == payment.acquirer, (Refund.gateway_ref == ref) | (Refund.paid_back_ref == ref)
    )
    if session.exec(by_ref).first() is not None:
        raise AlreadyEntered
    failed = found.answer.state == RefundState.FAILED
    if failed or debt_that_it_pays(session, payment, found) is not None:
        return
    left = refund.not_given(session, payment)
    if found.amount > left:
        raise refund.MoreThanLeft(
            "Another refund of ours returns this money, or is about to: wait until the acquirer has answered it.",
            left=left,
        )


def enter(ctx: TransactionContext, payment: Payment, found: TakenRefund, *, reason: str) -> Refund:
    """Write it down as it is now, and close its case. One that succeeded gets its credit note, with a `reason` for the reader; a
    pending one gets it later, a failed one none. One that returns a bounced refund's money pays that debt instead. The caller
    holds the subscription's lock. Raises AlreadyEntered, MoreThanLeft."""
    check_enterable(ctx.session, payment, found)
    debt = debt_that_it_pays(ctx.session, payment, found)
    row = debt or _row(ctx, payment, found, reason)
    if debt is not None:
        _pay(ctx, debt, found)
    ref = found.answer.refund_ref
    close_about(ctx, CaseKind.UNKNOWN_REFUND, ref, reason=f"Entered as {row.id}: {reason}")
    log_event(
        ctx.session, "refund entered", refund=row.id, payment=payment.id, cents=found.amount, by=ctx.actor
    )
    return row


def _row(ctx: TransactionContext, payment: Payment, found: TakenRefund, reason: str) -> Refund:
    cause = f"acquirer:{found.answer.refund_ref}"
    row = refund.write(ctx, payment, found.amount, cause=cause, reason=reason)
    row.created_at, row.gateway_ref = found.at, found.answer.refund_ref
    row.not_owed = True  # should it fail, we have promised nothing
    if found.answer.state == RefundState.FAILED:
        row.state, row.failure, row.settled_at = RefundState.FAILED, found.answer.failure, ctx.at
        return row
    ctx.session.flush()  # `settle` reads the row afresh
    refund.settle(ctx, row.id, found.answer)
    return row


def _pay(ctx: TransactionContext, debt: Refund, found: TakenRefund) -> None:
    locked, _ = refund.lock_one(ctx.session, debt.id)
    locked.paid_back_at, locked.paid_back_ref = found.at, found.answer.refund_ref
    locked.paid_back_by_card = True
    postings.paid_by_card(ctx.moved_to(found.at), locked)
    refund_paid_back(ctx, locked, ctx.site.today(found.at))
    reason = f"Returned in the acquirer's dashboard: {locked.paid_back_ref}"
    close_about(ctx, CaseKind.REFUND_FAILED, locked.id, reason=reason)
