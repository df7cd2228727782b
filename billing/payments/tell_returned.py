"""What readers are told about a refund's end: its credit note; that it failed, with the question how to pay; that a transfer did."""

from datetime import date, datetime

from sqlmodel import Session, col, select

from billing.mail import outbox
from billing.office import Office
from billing.payments import numbers
from billing.payments.models import Attempt, Invoice, Payment, PaymentMethod, Refund
from billing.payments.papers import credit_words
from billing.readers.register import by_id
from emails import Message, PaidBack, RefundFailed


def credited(
    session: Session, office: Office, refund: Refund, payment: Payment, at: datetime, *, again: bool = False
) -> None:
    """Its credit note goes out (VAT-10). `again`: the reader may have had it before the records were restored."""
    invoice = session.get_one(Invoice, payment.invoice_id)
    words = credit_words(office, refund, payment, invoice, _card(session, payment), again=again)
    _queue(session, refund, words, f"refunded:{refund.id}", at)


def failed(session: Session, office: Office, refund: Refund, payment: Payment, at: datetime) -> None:
    """The card didn't take it: the reader is owed it, and asked how to pay (STR-13)."""
    card, number = _card(session, payment), refund.credit_note_number
    words = RefundFailed(
        amount=refund.amount,
        charged_on=office.today(payment.paid_at).isoformat(),
        card_brand=card.brand,
        card_last4=card.last4,
        credit_note_number=numbers.credit_note_number(number) if number else None,
        contact_url=office.page("/contact?about=other"),
    )
    _queue(session, refund, words, f"refund-failed:{refund.id}", at)


def paid_back(
    session: Session, office: Office, refund: Refund, on: date, at: datetime, *, by_card: bool = False
) -> None:
    """A transfer, or another refund to the card, has paid what a refund that bounced had left owing."""
    words = PaidBack(
        amount=refund.amount,
        paid_on=on.isoformat(),
        reference=refund.paid_back_ref or "",
        credit_note_number=numbers.credit_note_number(refund.credit_note_number or 0),
        account_url=office.account_url,
        by_card=by_card,
    )
    _queue(session, refund, words, f"paid-back:{refund.id}", at)


def _card(session: Session, payment: Payment) -> PaymentMethod:
    """The card that paid."""
    return session.exec(
        select(PaymentMethod)
        .join(Attempt, col(Attempt.payment_method_id) == PaymentMethod.id)
        .where(Attempt.id == payment.attempt_id)
    ).one()


def _queue(session: Session, refund: Refund, words: Message, key: str, at: datetime) -> None:
    reader = by_id(session, refund.reader_id)
    outbox.queue(
        session,
        words,
        key=key,
        to=reader.email,
        reader_id=reader.id,
        at=at,
        expires_at=at + outbox.RECEIPT_LIFE,
    )
