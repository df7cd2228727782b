"""Refund money: intend it with its cause, settle it with a credit note (VAT-10). `send` comes between."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped
from sqlmodel import Session, col, func, select

from billing.acquirer.answers import (
    InsufficientBalance,
    RefundAnswer,
    RefundOutcome,
    RefundRefused,
    Unknown,
)
from billing.notices.refunds import refund_settled
from billing.payments import dispute_limits, numbers, postings, refunds_owed
from billing.payments.invoices import basis_points
from billing.payments.models import Invoice, Payment
from billing.payments.refund_models import GIVEN, Refund, RefundState
from billing.platform import ids
from billing.platform.actors import WORKER, acted_by
from billing.platform.context import TransactionContext
from billing.platform.counters import REFUNDS, count_after_commit
from billing.platform.errors import Conflict, Invalid, NotFound
from billing.platform.logs import log_event
from billing.refunds import shortage, waiting
from billing.refunds.failed import made_after_all, note_failure
from billing.rules import tax
from billing.rules.money import Money
from billing.subscriptions.change import lock


class MoreThanLeft(Conflict):
    """That is more than is left of this payment."""

    code = "refund_exceeds_payment"


class NotAnAmount(Invalid):
    """A refund is at least one cent."""

    code = "bad_amount"


class UnknownPayment(NotFound):
    """There is no such payment."""

    code = "unknown_payment"


def left_of(session: Session, payment: Payment) -> int:
    """Cents of a payment that may be refunded: not given (see `not_given`), and 0 once a bank has taken the charge back."""
    return 0 if dispute_limits.is_taken(session, payment) else not_given(session, payment)


def not_given(session: Session, payment: Payment) -> int:
    """Cents of a payment that haven't gone back, aren't on their way, and aren't owed because a refund bounced."""
    return payment.amount - _sum_given(session, payment, col(Refund.amount))


def _sum_given(session: Session, payment: Payment, cents: Mapped[int]) -> int:
    given = select(func.coalesce(func.sum(cents), 0)).where(
        col(Refund.payment_id) == payment.id, sa.text(GIVEN)
    )
    return int(session.exec(given).one())


def split(session: Session, payment: Payment, amount: int, *, without: Refund | None = None) -> tax.VatSplit:
    """Split `amount` cents of a payment into net and VAT; the last part takes all VAT that is left. `without`: the refund to
    split for, where it counts as given already."""
    invoice = session.get_one(Invoice, payment.invoice_id)
    given, vat = (_sum_given(session, payment, column) for column in (col(Refund.amount), col(Refund.vat)))
    if without is not None:
        given, vat = given - without.amount, vat - without.vat
    return tax.split_rest(
        Money(amount, payment.currency),
        given=Money(given, payment.currency),
        given_vat=Money(vat, payment.currency),
        rate=tax.VatRate(basis_points(payment, invoice), invoice.period_start_on),
    )


def intend(
    ctx: TransactionContext, payment: Payment, *, amount: int | None, cause: str, reason: str
) -> Refund | None:
    """Write down a refund of `amount` cents (None: all that is left). None when nothing is left, or a refund that counts (`GIVEN`)
    has this cause already. The caller holds the subscription's lock. Raises MoreThanLeft, NotAnAmount."""
    if _answered_already(ctx.session, cause):
        return None
    left = left_of(ctx.session, payment)
    amount = left if amount is None else amount
    if left == 0:
        return None
    if amount < 1:
        raise NotAnAmount
    if amount > left:
        raise MoreThanLeft(left=left)
    refund = write(ctx, payment, amount, cause=cause, reason=reason)
    log_event(
        ctx.session, "refund intended", refund=refund.id, payment=payment.id, cents=amount, by=ctx.actor
    )
    return refund


def _answered_already(session: Session, cause: str) -> bool:
    return session.exec(select(Refund.id).where(Refund.cause == cause, sa.text(GIVEN))).first() is not None


def has_failed(session: Session, payment: Payment, cause: str) -> bool:
    """Whether a refund of this payment has failed for this cause."""
    failed = select(Refund.id).where(
        Refund.payment_id == payment.id, Refund.cause == cause, Refund.state == RefundState.FAILED
    )
    return session.exec(failed).first() is not None


def write(ctx: TransactionContext, payment: Payment, amount: int, *, cause: str, reason: str) -> Refund:
    """Insert a refund of `amount` cents. The caller has checked that so much may be refunded."""
    parts = split(ctx.session, payment, amount)
    refund_id = _id(ctx.session, payment, cause)
    refund = Refund(
        id=refund_id,
        payment_id=payment.id,
        reader_id=payment.reader_id,
        acquirer=payment.acquirer,
        amount=amount,
        net=parts.net.amount,
        vat=parts.vat.amount,
        state=RefundState.INTENDED,
        cause=cause,
        reason=reason,
        **acted_by(ctx.actor),
        idempotency_key=f"refund-{refund_id}",
        created_at=ctx.at,
        next_poll_at=ctx.at,
        keyed_at=ctx.at,
    )
    ctx.session.add(refund)
    ctx.session.flush()
    return refund


def _id(session: Session, payment: Payment, cause: str) -> str:
    """The same in a restored database; after a failed refund, the next of its cause has another."""
    of_cause = select(func.count()).where(Refund.payment_id == payment.id, Refund.cause == cause)
    tries = session.exec(of_cause).one()
    return ids.derived("ref", payment.id, about=f"{cause}-{tries + 1}" if tries else cause)


def find_own(session: Session, acquirer: str, refund_id: str | None, refund_ref: str) -> str | None:
    """Our refund for one at the acquirer, by the id of ours that it names or by its own reference; None where there is none."""
    if refund_id is not None and session.get(Refund, refund_id) is not None:
        return refund_id
    by_ref = select(Refund.id).where(Refund.gateway_ref == refund_ref, Refund.acquirer == acquirer)
    return session.exec(by_ref).first()


def settle(ctx: TransactionContext, refund_id: str, answer: RefundOutcome, *, again: bool = False) -> None:
    """Write down what the acquirer says of a refund. The answer and the webhook both call it. Safe to repeat. `again`: a database
    that was lost held it already, so the mail may be the reader's second one.

    Money counts as returned only at `succeeded`. Then the credit note gets its number and the reader a mail, once. A refund that
    fails after that has bounced: we owe it."""
    refund, payment = lock_one(ctx.session, refund_id)
    if refund.state is RefundState.SUCCEEDED and isinstance(answer, RefundAnswer):
        _settle_again(ctx, refund, payment, answer)
    if _made_after_all(ctx.session, refund, payment, answer):
        _begin_again(ctx, refund, payment)
    elif refund.state in (RefundState.SUCCEEDED, RefundState.FAILED):
        return
    answer = _once_the_dispute_is_known(ctx.session, payment, answer)
    refund.claimed_by, waited = None, refund.awaiting_balance_since is not None
    match answer:
        case Unknown():
            waiting.for_answer(refund, answer, ctx.at)
        case InsufficientBalance(reason):
            waiting.for_balance(ctx, refund, reason)
            # after `for_balance`: the key's age counts from the next try, which that sets
            waiting.take_another_key(refund)
        case RefundRefused(reason, not_owed):
            refund.state, refund.failure, refund.settled_at = RefundState.FAILED, reason, ctx.at
            refund.awaiting_balance_since, refund.not_owed = None, not_owed
            note_failure(ctx, refund, payment)
        case RefundAnswer():
            _answered(ctx, refund, payment, answer)
    if not isinstance(answer, Unknown):
        refund_settled(ctx, refund, again=again)
    if waited and refund.awaiting_balance_since is None:
        shortage.close_when_over(ctx.acting_as(WORKER))
    log_event(
        ctx.session, f"refund {refund.state}", refund=refund.id, payment=payment.id, cents=refund.amount
    )
    count_after_commit(ctx.session, REFUNDS, refund.state.value)


def _made_after_all(session: Session, refund: Refund, payment: Payment, answer: RefundOutcome) -> bool:
    """Whether the acquirer has made a refund that it had refused: it may fail on a request and carry it out nevertheless. Not
    where a transfer or another refund has taken its place."""
    return (
        isinstance(answer, RefundAnswer)
        and answer.state != RefundState.FAILED
        and refund.state is RefundState.FAILED
        and refund.undone_at is None  # it was never sent
        and (refund.gateway_ref, refund.credit_note_number, refund.paid_back_at) == (None, None, None)
        and not _answered_already(session, refund.cause)
        and refund.amount <= not_given(session, payment)
    )


def _begin_again(ctx: TransactionContext, refund: Refund, payment: Payment) -> None:
    """Net and VAT are split again: since it was refused, other parts of the payment may have gone back."""
    parts = split(ctx.session, payment, refund.amount)
    refund.net, refund.vat = parts.net.amount, parts.vat.amount
    refund.state, refund.settled_at, refund.not_owed = RefundState.INTENDED, None, False
    made_after_all(ctx, refund)


def _once_the_dispute_is_known(session: Session, payment: Payment, answer: RefundOutcome) -> RefundOutcome:
    """A refund that failed because of a dispute stays in doubt until that dispute is known. Else the reader would be promised
    what the bank has returned, or denied what it hasn't."""
    because = isinstance(answer, RefundAnswer | RefundRefused) and answer.disputed
    if not because or dispute_limits.is_taken(session, payment):
        return answer
    return Unknown("The reader's bank has taken this charge back, and we don't know of the dispute yet")


def _answered(ctx: TransactionContext, refund: Refund, payment: Payment, answer: RefundAnswer) -> None:
    refund.gateway_ref, refund.failure = answer.refund_ref, answer.failure
    awaiting_balance_since, refund.awaiting_balance_since = refund.awaiting_balance_since, None
    match RefundState(answer.state):
        case RefundState.PENDING if answer.insufficient_balance:
            refund.state, refund.awaiting_balance_since = RefundState.PENDING, awaiting_balance_since
            waiting.for_balance(ctx, refund, answer.failure or "our balance is too low")
        case RefundState.SUCCEEDED:
            # The number first: taking it flushes, and `noted_when_returned` allows no success without one.
            refund.credit_note_number = numbers.next_numbers(ctx.session, numbers.CREDIT_NOTES)
            refund.state, refund.settled_at = RefundState.SUCCEEDED, ctx.at
            postings.refunded(ctx, refund, payment, ctx.session.get_one(Invoice, payment.invoice_id))
            reason = f"Returned by another refund: {refund.id}"
            refunds_owed.close_cases(ctx.acting_as(WORKER), payment, reason=reason)
            refunds_owed.close_warnings(ctx.acting_as(refund.actor), payment)
        case RefundState.FAILED:
            refund.state, refund.settled_at = RefundState.FAILED, ctx.at
            if answer.insufficient_balance and left_of(ctx.session, payment) >= refund.amount:
                _try_another(ctx, refund, payment, awaiting_balance_since)
            else:
                note_failure(ctx, refund, payment)
        case _:
            refund.state, refund.next_poll_at = RefundState.PENDING, ctx.at + waiting.A_DAY


def _try_another(
    ctx: TransactionContext, refund: Refund, payment: Payment, awaiting_balance_since: datetime | None
) -> None:
    """The acquirer has given this one up for want of balance. Another takes its place, for the same cause."""
    ctx.session.flush()
    another = intend(
        ctx.acting_as(refund.actor), payment, amount=refund.amount, cause=refund.cause, reason=refund.reason
    )
    if another is not None:
        another.awaiting_balance_since, another.mail_key = awaiting_balance_since or ctx.at, refund.mail_key
        waiting.for_balance(ctx, another, refund.failure or "our balance was too low")


def _settle_again(ctx: TransactionContext, refund: Refund, payment: Payment, answer: RefundAnswer) -> None:
    """Only a failure is news after success."""
    if answer.state != RefundState.FAILED:
        return
    refund.state, refund.failure, refund.bounced_at = RefundState.FAILED, answer.failure, ctx.at
    ctx.session.flush()
    owed = refunds_owed.of_payment(ctx.session, payment)
    covered = dispute_limits.is_lost(ctx.session, payment) and refund not in owed
    postings.bounced(ctx, refund, bank_has_paid=covered)
    note_failure(ctx, refund, payment)


def lock_one(session: Session, refund_id: str) -> tuple[Refund, Payment]:
    """Lock a refund, the subscription's row first: the order in which everything locks. Raises UnknownPayment."""
    payment = session.exec(
        select(Payment).join(Refund, col(Refund.payment_id) == Payment.id).where(Refund.id == refund_id)
    ).first()
    if payment is None:
        raise UnknownPayment
    lock(session, session.get_one(Invoice, payment.invoice_id).subscription_id)
    return session.get_one(Refund, refund_id, with_for_update=True, populate_existing=True), payment
