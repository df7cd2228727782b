"""What readers are told about a refund's end: its credit note; that it failed, with the question how to pay; that a transfer did."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Literal

import sqlalchemy as sa
from sqlmodel import Session, col, select

from billing.mail import outbox
from billing.mail.models import Message
from billing.payments import dispute_limits, numbers
from billing.payments.document_text import credit_note, tax_invoice
from billing.payments.models import Attempt, Invoice, Payment, PaymentMethod, Refund, RefundState
from billing.platform.site import Office
from billing.readers.register import by_id
from emails import CreditNote, GoesBack, PaidBack, Refunded, RefundFailed, TaxInvoice
from emails import Message as Words

HOLD = timedelta(minutes=10)
"""How long a mail waits for the refunds that it tells of, so that it can carry their credit notes. Most take a second."""


def together(session: Session, office: Office, key: str, refunds: Sequence[Refund], at: datetime) -> None:
    """Let the queued mail with this key tell of refunds just intended: what goes back of which charge, and, if they end before it
    has to leave, their credit notes."""
    for refund in refunds:
        refund.mail_key = key
        session.add(refund)
    session.flush()
    message = outbox.lock_unsent(session, key)
    if message is not None and refunds:
        _amend(session, office, message, at)


def ended(session: Session, office: Office, refund: Refund, at: datetime, *, again: bool = False) -> None:
    """A refund has come as far as it does for now. The mail that tells of it says so if it hasn't left; otherwise its credit note
    goes out in another one, with those of the refunds that are about to end. `again`: the reader may have had it before the
    records were restored."""
    message = outbox.lock_unsent(session, refund.mail_key) if refund.mail_key else None
    if message is not None:
        _amend(session, office, message, at)
    elif refund.credit_note_number is not None:
        credited(session, office, refund, at, again=again)


def raced(session: Session, office: Office, payment: Payment, refund: Refund, at: datetime) -> None:
    """A charge went through that was no longer wanted: its tax invoice and its credit note, in one mail."""
    key = f"returned:{payment.id}"
    _queue(session, refund, Refunded(refund.reason), key, at)
    together(session, office, key, [refund], at)


def credited(session: Session, office: Office, refund: Refund, at: datetime, *, again: bool = False) -> None:
    """Its credit note goes out (VAT-10). `again`: as of a refund that has ended."""
    key = f"refunded:{refund.id}"
    siblings = [row for row in _of_mail(session, refund.mail_key) if _is_soon(row)] if refund.mail_key else []
    _queue(session, refund, Refunded(refund.reason, again=again), key, at)
    together(session, office, key, [refund, *siblings], at)


def _amend(session: Session, office: Office, message: Message, at: datetime) -> None:
    refunds = _of_mail(session, message.key)
    parts = [_part(session, office, refund, message) for refund in refunds]
    returns = sorted((goes for goes, _, _ in parts), key=lambda one: one.charged_on)
    invoices = sorted((one for _, one, _ in parts if one is not None), key=lambda one: one.number)
    notes = sorted((one for _, _, one in parts if one is not None), key=lambda one: one.credit_note_number)
    message.fields = message.fields | {
        "returns": [dict(vars(one)) for one in returns],
        "invoices": [dict(vars(one)) for one in invoices],
        "notes": [dict(vars(one)) for one in notes],
    }
    waits = any(_is_soon(refund) for refund in refunds)
    message.try_at = message.created_at + HOLD if waits else at
    session.add(message)


def _of_mail(session: Session, key: str) -> list[Refund]:
    """The refunds that a mail tells of; of those for one cause, the newest."""
    rows = session.exec(
        select(Refund).where(Refund.mail_key == key).order_by(col(Refund.created_at), col(Refund.id))
    ).all()
    return list({row.cause: row for row in rows}.values())


def _is_soon(refund: Refund) -> bool:
    """Whether it is about to be sent. One that Stripe, a bank or our balance makes wait holds up no mail."""
    return refund.state is RefundState.INTENDED and refund.awaiting_balance_since is None


_Part = tuple[GoesBack, TaxInvoice | None, CreditNote | None]


def _part(session: Session, office: Office, refund: Refund, message: Message) -> _Part:
    """What a mail says of one refund: how far it has come, the tax invoice if none was sent, the credit note if there is one."""
    payment = session.get_one(Payment, refund.payment_id)
    invoice, card = session.get_one(Invoice, payment.invoice_id), _card(session, payment)
    noted = refund.credit_note_number is not None
    note = credit_note(office, refund, payment, invoice, card) if noted else None
    goes = GoesBack(
        amount=refund.amount,
        charged_on=office.today(payment.paid_at).isoformat(),
        card_brand=card.brand,
        card_last4=card.last4,
        state=_how_far(refund, owed=_is_owed(session, refund, payment)),
        credit_note_number=note.credit_note_number if note else None,
    )
    sent = payment.surplus or _is_sent(session, invoice, message)
    return goes, None if sent else tax_invoice(invoice, card), note


def _is_owed(session: Session, refund: Refund, payment: Payment) -> bool:
    """Whether it is, should it have failed: not where another refund or a bank has returned the money."""
    promised = refund.bounced_at is not None or not refund.not_owed
    return promised and not dispute_limits.is_taken(session, payment)


def _how_far(refund: Refund, *, owed: bool) -> Literal["under_way", "gone", "failed", "before"]:
    if refund.state is RefundState.FAILED and (refund.paid_back_at is None or refund.bounced_at is not None):
        return "failed" if owed else "before"
    return "gone" if refund.credit_note_number is not None else "under_way"


_SENT = sa.text(
    "SELECT EXISTS (SELECT FROM message WHERE reader_id = :reader AND id <> :message AND (key = :receipt"
    " OR fields->'invoices' @> jsonb_build_array(jsonb_build_object('number', CAST(:number AS text)))))"
)


def _is_sent(session: Session, invoice: Invoice, message: Message) -> bool:
    """Whether another mail carries this tax invoice: there is one original (VAT-7)."""
    asked = {
        "reader": invoice.reader_id,
        "message": message.id,
        "receipt": f"receipt:{invoice.id}",
        "number": numbers.invoice_number(invoice.number or 0),
    }
    return bool(session.execute(_SENT, asked).scalar_one())


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


def paid_back(session: Session, office: Office, refund: Refund, on: date, at: datetime) -> None:
    """A transfer, or another refund to the card, has paid what a refund that bounced had left owing."""
    words = PaidBack(
        amount=refund.amount,
        paid_on=on.isoformat(),
        reference=refund.paid_back_ref or "",
        credit_note_number=numbers.credit_note_number(refund.credit_note_number or 0),
        account_url=office.account_url,
        by_card=refund.paid_back_by_card,
    )
    _queue(session, refund, words, f"paid-back:{refund.id}", at)


def _card(session: Session, payment: Payment) -> PaymentMethod:
    """The card that paid."""
    return session.exec(
        select(PaymentMethod)
        .join(Attempt, col(Attempt.payment_method_id) == PaymentMethod.id)
        .where(Attempt.id == payment.attempt_id)
    ).one()


def _queue(session: Session, refund: Refund, words: Words, key: str, at: datetime) -> None:
    reader = by_id(session, refund.reader_id)
    outbox.queue(
        session,
        words,
        key=key,
        to=reader.email,
        reader_id=reader.id,
        at=at,
        expires_at=at + outbox.RECEIPT_LIFE,
        about=refund.id,
    )
