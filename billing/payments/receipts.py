"""A reader's paid invoices with their credit notes. Always asked by reader, so nobody sees another's (SEC-7)."""

from dataclasses import dataclass

from sqlmodel import Session, col, select
from sqlmodel.sql.expression import Select

from billing.payments import dispute_limits
from billing.payments import refunds_owed as owed
from billing.payments.models import (
    Attempt,
    Invoice,
    InvoiceState,
    Payment,
    PaymentMethod,
    Refund,
)
from billing.platform.errors import NotFound


class UnknownInvoice(NotFound):
    """There is no such invoice."""

    code = "unknown_invoice"


@dataclass(frozen=True, slots=True)
class Paid:
    """A tax invoice, the payment and the card behind it, and what has gone back."""

    invoice: Invoice
    payment: Payment
    card: PaymentMethod
    refunds: tuple[Refund, ...]
    taken: int = 0
    """Cents that banks have taken back, for now or for good."""

    @property
    def owed(self) -> tuple[Refund, ...]:
        """The refunds that failed, and that the reader is still to be paid."""
        return tuple(owed.among(self.payment, self.refunds, taken=self.taken))

    @property
    def waiting(self) -> tuple[Refund, ...]:
        """The refunds that wait until our balance at the acquirer is enough."""
        return tuple(refund for refund in self.refunds if refund.awaiting_balance_since is not None)

    @property
    def credited(self) -> tuple[Refund, ...]:
        """The refunds with a credit note: what was given back, by card or by transfer, or is owed because it bounced."""
        return tuple(refund for refund in self.refunds if refund.credit_note_number is not None)

    @property
    def returned(self) -> int:
        """Cents of those that have reached the reader."""
        return sum(refund.amount for refund in self.credited if refund not in self.owed)


def paid_by(session: Session, reader_id: str, limit: int = 60) -> list[Paid]:
    """The reader's paid invoices, newest first."""
    rows = session.exec(
        _paid().where(Invoice.reader_id == reader_id).order_by(col(Invoice.number).desc()).limit(limit)
    )
    return [_as_paid(session, invoice, payment, card) for invoice, payment, card in rows]


def one(session: Session, invoice_id: str, reader_id: str) -> Paid:
    """One paid invoice of this reader. Raises UnknownInvoice, also for another reader's."""
    row = session.exec(_paid().where(Invoice.id == invoice_id, Invoice.reader_id == reader_id)).first()
    if row is None:
        raise UnknownInvoice
    invoice, payment, card = row
    return _as_paid(session, invoice, payment, card)


def _as_paid(session: Session, invoice: Invoice, payment: Payment, card: PaymentMethod) -> Paid:
    taken = dispute_limits.cents_taken(session, payment)
    return Paid(invoice, payment, card, _refunds(session, payment), taken)


def _paid() -> Select[Invoice, Payment, PaymentMethod]:
    return (
        select(Invoice, Payment, PaymentMethod)
        .join(Payment, col(Payment.invoice_id) == Invoice.id)
        .join(Attempt, col(Attempt.id) == Payment.attempt_id)
        .join(PaymentMethod, col(PaymentMethod.id) == Attempt.payment_method_id)
        .where(Invoice.state == InvoiceState.PAID, col(Payment.duplicate).is_(False))
    )


def _refunds(session: Session, payment: Payment) -> tuple[Refund, ...]:
    """In the order of their credit notes; those without one last, oldest first."""
    refunds = select(Refund).where(Refund.payment_id == payment.id)
    return tuple(
        session.exec(refunds.order_by(col(Refund.credit_note_number), col(Refund.created_at), col(Refund.id)))
    )
