"""Write down a refund that somebody made in the acquirer's dashboard, with its credit note."""

from datetime import datetime

from sqlmodel import Session, select

from billing.acquirer.balance_port import TakenRefund
from billing.cases.close import close_about
from billing.cases.models import CaseKind
from billing.notices.refunds import refund_paid_back
from billing.payments import postings, refunds_owed
from billing.payments.models import Payment, Refund, RefundState
from billing.platform.actors import Actor
from billing.platform.errors import Conflict
from billing.platform.logs import say
from billing.platform.site import Office
from billing.refunds import refund
from billing.rules.clocks import APART


class AlreadyEntered(Conflict):
    """This refund is in our books already."""

    code = "refund_known"


def debt_that_it_pays(session: Session, payment: Payment, found: TakenRefund) -> Refund | None:
    """A refund of ours that bounced, where this one has returned the same money: it was made after that, or more than else was
    left. For `bounced_at` says when we heard of it."""
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


def refuse(session: Session, payment: Payment, found: TakenRefund) -> None:
    """Unless it can be entered. Raises AlreadyEntered, TooMuch."""
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
        raise refund.TooMuch(
            "Another refund of ours returns this money, or is about to: wait until the acquirer has answered it.",
            left=left,
        )


def enter(
    session: Session,
    office: Office,
    payment: Payment,
    found: TakenRefund,
    *,
    reason: str,
    by: Actor,
    at: datetime,
) -> Refund:
    """Write it down as it is now: one that succeeded gets its credit note, whose reason the reader reads; one that is pending gets
    it later; one that failed gets none. One that returns what a bounced refund left owing pays that debt. The case about it is
    closed. The caller holds the subscription's lock. Raises AlreadyEntered, TooMuch."""
    refuse(session, payment, found)
    debt = debt_that_it_pays(session, payment, found)
    row = debt or _row(session, office, payment, found, reason, by, at)
    if debt is not None:
        _pay(session, office, debt, found, by, at)
    ref = found.answer.refund_ref
    close_about(session, CaseKind.UNKNOWN_REFUND, ref, reason=f"Entered as {row.id}: {reason}", by=by, at=at)
    say(session, "refund entered", refund=row.id, payment=payment.id, cents=found.amount, by=by)
    return row


def _row(
    session: Session,
    office: Office,
    payment: Payment,
    found: TakenRefund,
    reason: str,
    by: Actor,
    at: datetime,
) -> Refund:
    cause = f"acquirer:{found.answer.refund_ref}"
    row = refund.write(session, payment, found.amount, cause=cause, reason=reason, by=by, at=at)
    row.created_at, row.gateway_ref = found.at, found.answer.refund_ref
    row.not_owed = True  # should it fail, we have promised nothing
    if found.answer.state == RefundState.FAILED:
        row.state, row.failure, row.settled_at = RefundState.FAILED, found.answer.failure, at
        session.add(row)
        return row
    session.add(row)
    session.flush()
    refund.settle(session, office, row.id, found.answer, at)
    return row


def _pay(session: Session, office: Office, debt: Refund, found: TakenRefund, by: Actor, at: datetime) -> None:
    locked, _ = refund.lock_one(session, debt.id)
    locked.paid_back_at, locked.paid_back_ref = found.at, found.answer.refund_ref
    locked.paid_back_by_card = True
    session.add(locked)
    postings.paid_by_card(session, office, locked, found.at)
    refund_paid_back(session, office, locked, office.today(found.at), at)
    reason = f"Returned in the acquirer's dashboard: {locked.paid_back_ref}"
    close_about(session, CaseKind.REFUND_FAILED, locked.id, reason=reason, by=by, at=at)
