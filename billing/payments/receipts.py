"""A reader's paid invoices with their credit notes. Each query names the reader, so no reader sees another's (SEC-7)."""

from dataclasses import dataclass

from sqlmodel import Session, col, select
from sqlmodel.sql.expression import Select

from billing.payments import refunds_owed
from billing.payments.dispute_limits import cents_taken
from billing.payments.models import Attempt, Invoice, InvoiceState, Payment, PaymentMethod, Refund
from billing.platform.errors import NotFound


class UnknownInvoice(NotFound):
    """There is no such invoice."""

    code = "unknown_invoice"


@dataclass(frozen=True, slots=True)
class Paid:
    """A tax invoice, its payment and card, and its refunds."""

    invoice: Invoice
    payment: Payment
    card: PaymentMethod
    refunds: tuple[Refund, ...]
    taken: int = 0
    """Cents that banks have taken back, for now or for good."""

    @property
    def owed(self) -> tuple[Refund, ...]:
        """The failed refunds that the reader is still owed."""
        return tuple(refunds_owed.among(self.payment, self.refunds, taken=self.taken))

    @property
    def waiting(self) -> tuple[Refund, ...]:
        """The refunds that wait for our balance at the acquirer."""
        return tuple(refund for refund in self.refunds if refund.awaiting_balance_since is not None)

    @property
    def credited(self) -> tuple[Refund, ...]:
        """The refunds with a credit note: returned by card or by transfer, or owed because they bounced."""
        return tuple(refund for refund in self.refunds if refund.credit_note_number is not None)

    @property
    def returned(self) -> int:
        """Cents that have reached the reader."""
        owed = self.owed
        return sum(refund.amount for refund in self.credited if refund not in owed)


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
    refunds = (
        select(Refund)
        .where(Refund.payment_id == payment.id)
        .order_by(
            col(Refund.credit_note_number), col(Refund.created_at), col(Refund.id)
        )  # those without one last
    )
    return Paid(invoice, payment, card, tuple(session.exec(refunds)), cents_taken(session, payment))


def _paid() -> Select[Invoice, Payment, PaymentMethod]:
    return (
        select(Invoice, Payment, PaymentMethod)
        .join(Payment, col(Payment.invoice_id) == Invoice.id)
        .join(Attempt, col(Attempt.id) == Payment.attempt_id)
        .join(PaymentMethod, col(PaymentMethod.id) == Attempt.payment_method_id)
        .where(Invoice.state == InvoiceState.PAID, col(Payment.duplicate).is_(False))
    )
