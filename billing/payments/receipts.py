"""A reader's paid invoices with their credit notes. Each query names the reader, so no reader sees another's (SEC-7)."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlmodel import Session, col, select

from billing.payments import refunds_owed
from billing.payments.dispute_limits import cents_taken_of
from billing.payments.models import Attempt, Invoice, InvoiceState, Payment, PaymentMethod
from billing.payments.refund_models import Refund, RefundState
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
    def not_credited(self) -> int:
        """Cents that no credit note has taken back."""
        return self.payment.amount - sum(refund.amount for refund in self.credited)

    @property
    def not_given(self) -> int:
        """Cents that haven't gone back, aren't on their way, and aren't owed because a refund bounced."""
        return self.payment.amount - sum(
            refund.amount
            for refund in self.refunds
            if refund.state is not RefundState.FAILED or refund.credit_note_number is not None
        )

    @property
    def returned(self) -> int:
        """Cents that have reached the reader."""
        owed = self.owed
        return sum(refund.amount for refund in self.credited if refund not in owed)


# Made once: building a statement takes as long as running it.
_PAID = (
    sa.select(Invoice, Payment, PaymentMethod)
    .join(Payment, col(Payment.invoice_id) == Invoice.id)
    .join(Attempt, col(Attempt.id) == Payment.attempt_id)
    .join(PaymentMethod, col(PaymentMethod.id) == Attempt.payment_method_id)
    .where(
        col(Invoice.state) == InvoiceState.PAID,
        col(Payment.duplicate).is_(False),
        col(Invoice.reader_id) == sa.bindparam("reader_id"),
    )
)
_PAID_BY = _PAID.order_by(col(Invoice.number).desc()).limit(sa.bindparam("most"))
_ONE = _PAID.where(col(Invoice.id) == sa.bindparam("invoice_id"))


def paid_by(session: Session, reader_id: str, limit: int = 60) -> list[Paid]:
    """The reader's paid invoices, newest first."""
    found = session.execute(_PAID_BY, {"reader_id": reader_id, "most": limit})
    return _with_refunds(session, [(invoice, payment, card) for invoice, payment, card in found])


def one(session: Session, invoice_id: str, reader_id: str, *, afresh: bool = False) -> Paid:
    """One paid invoice of this reader. `afresh`: read again what the session holds already, after a lock. Raises UnknownInvoice,
    also for another reader's."""
    options = {"populate_existing": afresh}
    found = session.execute(
        _ONE, {"invoice_id": invoice_id, "reader_id": reader_id}, execution_options=options
    )
    row = found.first()
    if row is None:
        raise UnknownInvoice
    invoice, payment, card = row
    return _with_refunds(session, [(invoice, payment, card)], afresh=afresh)[0]


def _with_refunds(
    session: Session, rows: Sequence[tuple[Invoice, Payment, PaymentMethod]], *, afresh: bool = False
) -> list[Paid]:
    """Two statements, however many invoices."""
    payments = [payment.id for _, payment, _ in rows]
    if not payments:
        return []
    of_payments = select(Refund).where(col(Refund.payment_id).in_(payments))
    # those without a credit note last
    ordered = of_payments.order_by(col(Refund.credit_note_number), col(Refund.created_at), col(Refund.id))
    refunds: defaultdict[str, list[Refund]] = defaultdict(list)
    for refund in session.exec(ordered, execution_options={"populate_existing": afresh}):
        refunds[refund.payment_id].append(refund)
    taken = cents_taken_of(session, payments)
    return [
        Paid(invoice, payment, card, tuple(refunds[payment.id]), taken.get(payment.id, 0))
        for invoice, payment, card in rows
    ]
