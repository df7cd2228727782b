"""A mail that says which charges go back. Until it is sent, it waits for its refunds and carries their documents."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal

import sqlalchemy as sa
from sqlmodel import Session, col, select

from billing.mail import outbox
from billing.mail.models import Message
from billing.payments import corrections, dispute_limits, numbers
from billing.payments.document_text import credit_note, tax_invoice
from billing.payments.models import Attempt, Invoice, Payment, PaymentMethod
from billing.payments.refund_models import Refund, RefundState
from billing.platform.context import TransactionContext
from emails import Cents, CreditNote, Day, Document, Mail, MailFacts, TaxInvoice, store

HOLD = timedelta(minutes=10)
"""How long a mail waits for its refunds, to carry their credit notes. Most refunds take a second."""
Progress = Literal["under_way", "gone", "failed", "before"]
"""The state of a refund; `before`: another refund or the bank had returned the money already."""

SAMPLE_UNDER_WAY = {"state": "under_way", "credit_note_number": None}
SAMPLE_FAILED = {"state": "failed", "credit_note_number": None}


@dataclass(frozen=True)
class ReturnedCharge(MailFacts):
    """What is returned of one charge. `credit_note_number` is None until the refund has gone."""

    amount: Cents
    charged_on: Day
    card_brand: str
    card_last4: str
    state: Progress
    credit_note_number: str | None


@dataclass(frozen=True)
class MailWithRefunds(Mail, abstract=True):
    """A mail that says what goes back, and carries the documents for it: one mail, however many charges."""

    returns: tuple[ReturnedCharge, ...] = field(default=(), kw_only=True)
    invoices: tuple[TaxInvoice, ...] = field(default=(), kw_only=True)
    """Of charges without a receipt, because they went back at once."""
    notes: tuple[CreditNote, ...] = field(default=(), kw_only=True)

    @property
    def documents(self) -> tuple[Document, ...]:
        """Tax invoices before the credit notes that take them back."""
        return (*self.invoices, *self.notes)


def attach_refunds(ctx: TransactionContext, key: str, refunds: Sequence[Refund]) -> None:
    """Add new refunds to the queued mail with this key: what goes back of which charge, and the credit notes of those that settle
    before it is sent."""
    for refund in refunds:
        refund.mail_key = key
    ctx.session.flush()
    message = outbox.lock_unsent(ctx.session, key)
    if message is not None and refunds:
        amend(ctx, message)


def pending_with(session: Session, refund: Refund) -> list[Refund]:
    """The refunds of the same mail that are about to settle."""
    return [row for row in _of_mail(session, refund.mail_key) if _is_soon(row)] if refund.mail_key else []


def amend(ctx: TransactionContext, message: Message) -> None:
    """Write the state of its refunds into an unsent mail."""
    refunds = _of_mail(ctx.session, message.key)
    parts = [_part(ctx, refund, message) for refund in refunds]
    returns = sorted((charge for charge, _, _ in parts), key=lambda charge: charge.charged_on)
    invoices = sorted((invoice for _, invoice, _ in parts if invoice), key=lambda invoice: invoice.number)
    notes = sorted((note for _, _, note in parts if note), key=lambda note: note.credit_note_number)
    message.fields = message.fields | {
        "returns": [store(charge) for charge in returns],
        "invoices": [store(invoice) for invoice in invoices],
        "notes": [store(note) for note in notes],
    }
    waits = any(_is_soon(refund) for refund in refunds)
    message.next_attempt_at = message.created_at + HOLD if waits else ctx.at


def _of_mail(session: Session, key: str) -> list[Refund]:
    """The refunds of a mail, without those that staff undid; of those for one cause, the newest."""
    rows = session.exec(
        select(Refund)
        .where(Refund.mail_key == key, col(Refund.undone_at).is_(None))
        .order_by(col(Refund.created_at), col(Refund.id))
    ).all()
    return list({row.cause: row for row in rows}.values())


def _is_soon(refund: Refund) -> bool:
    """Whether it is about to settle. A refund that the acquirer, a bank or our balance delays holds up no mail."""
    return refund.state is RefundState.INTENDED and refund.awaiting_balance_since is None


_Part = tuple[ReturnedCharge, TaxInvoice | None, CreditNote | None]


def _part(ctx: TransactionContext, refund: Refund, message: Message) -> _Part:
    """What a mail says about one refund: its state, the tax invoice if none was sent, the credit note if there is one."""
    payment = ctx.session.get_one(Payment, refund.payment_id)
    invoice, card = ctx.session.get_one(Invoice, payment.invoice_id), card_that_paid(ctx.session, payment)
    noted = refund.credit_note_number is not None
    history = corrections.history_of(ctx.session, invoice)
    note = credit_note(ctx.site, refund, payment, invoice, card, history) if noted else None
    charge = ReturnedCharge(
        amount=refund.amount,
        charged_on=ctx.site.today(payment.paid_at).isoformat(),
        card_brand=card.brand,
        card_last4=card.last4,
        state=_progress(refund, owed=_is_owed(ctx.session, refund, payment)),
        credit_note_number=note.credit_note_number if note else None,
    )
    first = history.issued[0]
    if payment.duplicate or _is_sent(ctx.session, invoice, first.number, message):
        return charge, None, note
    return charge, tax_invoice(invoice, card, history.named.get(first.number), as_issued=first), note


def _is_owed(session: Session, refund: Refund, payment: Payment) -> bool:
    """Whether a failed refund is owed: not where another refund or a bank has returned the money."""
    owed = refund.bounced_at is not None or not refund.not_owed
    return owed and not dispute_limits.is_taken(session, payment)


def _progress(refund: Refund, *, owed: bool) -> Progress:
    if refund.state is RefundState.FAILED and (refund.paid_back_at is None or refund.bounced_at is not None):
        return "failed" if owed else "before"
    return "gone" if refund.credit_note_number is not None else "under_way"


_SENT = sa.text(
    "SELECT EXISTS (SELECT FROM message WHERE reader_id = :reader AND id <> :message AND (key = :receipt"
    " OR fields->'invoices' @> jsonb_build_array(jsonb_build_object('number', CAST(:number AS text)))))"
)


def _is_sent(session: Session, invoice: Invoice, number: int, message: Message) -> bool:
    """Whether another mail carries this tax invoice: it has one original only (VAT-7)."""
    values = {
        "reader": invoice.reader_id,
        "message": message.id,
        "receipt": f"receipt:{invoice.id}",
        "number": numbers.invoice_number(number),
    }
    return bool(session.execute(_SENT, values).scalar_one())


def card_that_paid(session: Session, payment: Payment) -> PaymentMethod:
    """The card that paid."""
    return session.exec(
        select(PaymentMethod)
        .join(Attempt, col(Attempt.payment_method_id) == PaymentMethod.id)
        .where(Attempt.id == payment.attempt_id)
    ).one()
