"""Give money back: intend it with its cause, settle it with a credit note (VAT-10). `send_refunds` is what comes between."""

from datetime import datetime, timedelta

from sqlalchemy.orm import Mapped
from sqlmodel import Session, col, func, or_, select

from billing import ids
from billing.cases.models import CaseKind
from billing.cases.open import open_case
from billing.errors import Conflict, Invalid, NotFound
from billing.logs import say
from billing.mail import outbox
from billing.office import Office
from billing.payments import book, disputed, numbers
from billing.payments.gateway import RefundAnswer, RefundRefused, Unknown
from billing.payments.invoice import basis_points
from billing.payments.models import Attempt, Invoice, Payment, PaymentMethod, Refund, RefundState
from billing.payments.papers import credit_words
from billing.readers.register import by_id
from billing.rules import backoff, tax
from billing.rules.money import Money
from billing.subscriptions.change import lock

PENDING_FOR = timedelta(days=1)
"""How often a refund that Stripe makes wait is asked for: the event that ends it may be lost."""


class TooMuch(Conflict):
    """That is more than is left of this payment."""

    code = "refund_exceeds_payment"


class NotAnAmount(Invalid):
    """A refund is at least one cent."""

    code = "bad_amount"


class UnknownPayment(NotFound):
    """There is no such payment."""

    code = "unknown_payment"


def left_of(session: Session, payment: Payment) -> int:
    """Cents of a payment that haven't been given back, aren't on their way, and aren't owed because a refund bounced; none of
    one that a bank has taken back."""
    if disputed.is_taken(session, payment):
        return 0
    return payment.amount - _sum_given(session, payment, col(Refund.amount))


def _vat_given(session: Session, payment: Payment) -> int:
    return _sum_given(session, payment, col(Refund.vat))


def _sum_given(session: Session, payment: Payment, cents: Mapped[int]) -> int:
    given = session.exec(
        select(func.coalesce(func.sum(cents), 0)).where(
            col(Refund.payment_id) == payment.id,
            or_(col(Refund.state) != RefundState.FAILED, col(Refund.bounced_at).is_not(None)),
        )
    ).one()
    return int(given)


def intend(
    session: Session, payment: Payment, *, amount: int | None, cause: str, reason: str, by: str, at: datetime
) -> Refund | None:
    """Write down a refund of `amount` cents (None: all that is left); None when its cause has been answered already, or
    nothing is left. The caller holds the subscription's lock. Raises TooMuch, NotAnAmount."""
    if session.exec(select(Refund).where(Refund.cause == cause)).first() is not None:
        return None
    left = left_of(session, payment)
    amount = left if amount is None else amount
    if left == 0:
        return None
    if amount < 1:
        raise NotAnAmount
    if amount > left:
        raise TooMuch(left=left)
    invoice = session.get_one(Invoice, payment.invoice_id)
    rate = tax.VatRate(basis_points(payment, invoice), invoice.period_start_on)
    split = tax.split_rest(
        Money(amount, payment.currency),
        given=Money(payment.amount - left, payment.currency),
        given_vat=Money(_vat_given(session, payment), payment.currency),
        rate=rate,
    )
    refund_id = ids.new("ref", at)
    refund = Refund(
        id=refund_id,
        payment_id=payment.id,
        reader_id=payment.reader_id,
        amount=amount,
        net=split.net.amount,
        vat=split.vat.amount,
        state=RefundState.INTENDED,
        cause=cause,
        reason=reason,
        by=by,
        idempotency_key=f"refund-{refund_id}",
        created_at=at,
        ask_at=at,
        keyed_at=at,
    )
    session.add(refund)
    session.flush()
    say(session, "refund intended", refund=refund.id, payment=payment.id, cents=amount, by=by)
    return refund


def settle(
    session: Session,
    office: Office,
    refund_id: str,
    answer: RefundAnswer | RefundRefused | Unknown,
    at: datetime,
) -> None:
    """Write down what the acquirer says of a refund; the answer and the webhook are two callers of it. Safe to repeat.

    Money counts as returned only at `succeeded`; then, once, the credit note gets its number and the reader a mail. One that
    fails after that has bounced: we owe it."""
    refund, payment = _lock(session, refund_id)
    if refund.state is RefundState.SUCCEEDED and isinstance(answer, RefundAnswer):
        _settle_again(session, office, refund, answer, at)
    if refund.state in (RefundState.SUCCEEDED, RefundState.FAILED):
        return
    refund.claimed_by = None
    match answer:
        case Unknown():
            _leave_open(refund, answer, at)
        case RefundRefused(why):
            refund.state, refund.failure, refund.settled_at = RefundState.FAILED, why, at
            _open_case(session, refund, at)
        case RefundAnswer(ref, state, failure):
            if state == RefundState.SUCCEEDED:
                refund.credit_note_number = numbers.take(session, numbers.CREDIT_NOTES)
            refund.gateway_ref, refund.failure, refund.state = ref, failure, RefundState(state)
            refund.settled_at = None if refund.state is RefundState.PENDING else at
            refund.ask_at = at + PENDING_FOR
            if refund.state is RefundState.SUCCEEDED:
                _credit(session, office, refund, payment, at)
            elif refund.state is RefundState.FAILED:
                _open_case(session, refund, at)
    session.add(refund)
    say(session, f"refund {refund.state}", refund=refund.id, payment=payment.id, cents=refund.amount)


def _leave_open(refund: Refund, doubt: Unknown, at: datetime) -> None:
    """Ask again later, and remember whether its key is of any use then."""
    refund.asked += 1
    refund.failure = doubt.why
    refund.key_spent = refund.key_spent or doubt.key_spent
    refund.ask_at = backoff.again_at(refund.asked, at) + (doubt.wait or timedelta())


def _credit(session: Session, office: Office, refund: Refund, payment: Payment, at: datetime) -> None:
    invoice = session.get_one(Invoice, payment.invoice_id)
    book.refunded(session, office, refund, payment, invoice, at)
    _tell(session, office, refund, payment, at)


def _settle_again(
    session: Session, office: Office, refund: Refund, answer: RefundAnswer, at: datetime
) -> None:
    """Only a failure is news after success."""
    if answer.state != RefundState.FAILED:
        return
    refund.state, refund.failure, refund.bounced_at = RefundState.FAILED, answer.failure, at
    session.add(refund)
    book.bounced(session, office, refund, at)
    _open_case(session, refund, at)


def _open_case(session: Session, refund: Refund, at: datetime) -> None:
    """Money that is owed and can't go back by itself is paid by a person (STR-13)."""
    open_case(
        session,
        CaseKind.REFUND_FAILED,
        refund.id,
        f"{Money(refund.amount).with_vat_words()} did not go back: {refund.failure or 'no reason given'}.",
        at=at,
        reader_id=refund.reader_id,
        ours=refund.amount,
        facts={
            "payment": refund.payment_id,
            "refund at Stripe": refund.gateway_ref or "",
            "for": refund.reason,
        },
        link="/staff/books" if refund.bounced_at else f"/staff/readers/{refund.reader_id}",
    )


def _lock(session: Session, refund_id: str) -> tuple[Refund, Payment]:
    payment = session.exec(
        select(Payment).join(Refund, col(Refund.payment_id) == Payment.id).where(Refund.id == refund_id)
    ).first()
    if payment is None:
        raise UnknownPayment
    lock(session, session.get_one(Invoice, payment.invoice_id).subscription_id)
    refund = session.exec(
        select(Refund)
        .where(Refund.id == refund_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()
    return refund, payment


def _tell(session: Session, office: Office, refund: Refund, payment: Payment, at: datetime) -> None:
    invoice = session.get_one(Invoice, payment.invoice_id)
    method = session.exec(
        select(PaymentMethod)
        .join(Attempt, col(Attempt.payment_method_id) == PaymentMethod.id)
        .where(Attempt.id == payment.attempt_id)
    ).one()
    reader = by_id(session, refund.reader_id)
    words = credit_words(office, refund, payment, invoice, method)
    outbox.queue(
        session,
        words,
        key=f"refunded:{refund.id}",
        to=reader.email,
        reader_id=reader.id,
        at=at,
        expires_at=at + outbox.RECEIPT_LIFE,
    )
