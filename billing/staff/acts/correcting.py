"""Put a buyer's details on a tax invoice that has been issued without them, or with others."""

from dataclasses import dataclass

from sqlmodel import Session

from billing.payments import corrections, numbers, receipts
from billing.payments.invoice_recipients import Particulars
from billing.payments.models import Payment
from billing.payments.receipts import Paid
from billing.platform.context import TransactionContext
from billing.refunds import correct_invoice
from billing.refunds.refund import UnknownPayment
from billing.rules.money import Money
from billing.staff.acts.shape import Preview
from billing.staff.roles import Permission


@dataclass(frozen=True)
class CorrectInvoiceAct:
    """Replace the tax invoice of a payment by one with these particulars."""

    reader_id: str
    payment_id: str
    particulars: Particulars
    what = Permission.CORRECT_INVOICE

    def preview(self, ctx: TransactionContext, /) -> Preview:
        """Which documents are written. Raises UnknownPayment, NothingToCorrect, TooOldToCorrect, NamedAlready."""
        paid = self._paid(ctx.session)
        old = correct_invoice.check(ctx.session, paid, self.particulars, ctx.today)
        named = corrections.particulars_of(ctx.session, [old]).get(old.number)
        left = Money(paid.not_credited, paid.payment.currency).with_vat_words()
        number = numbers.invoice_number(old.number)
        words = (
            f"{number} is made out to {named.name if named else 'nobody by name'}.",
            f"A credit note over {left} takes it back, and a tax invoice with the next number, the same value and the same date"
            f" of supply takes its place. It is made out to {self.particulars.name}, {self.particulars.in_one_line}.",
            "No money moves, and the VAT of each period stays as it is. Both documents go to the reader by mail.",
            "The reader’s tax invoices from now on have these details too.",
        )
        return Preview(words, f"Correct {number}")

    def do(self, ctx: TransactionContext, reason: str, /) -> str:
        """Write both documents."""
        paid = self._paid(ctx.session)
        row = correct_invoice.correct(ctx, paid.invoice.id, self.reader_id, self.particulars, reason)
        return row.id

    def _paid(self, session: Session) -> Paid:
        """Only this reader's: a changed address must not correct another's (SEC-7)."""
        payment = session.get(Payment, self.payment_id)
        if payment is None or payment.reader_id != self.reader_id or payment.duplicate:
            raise UnknownPayment
        return receipts.one(session, payment.invoice_id, self.reader_id)
