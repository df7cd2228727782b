"""Mail a reader a copy of a tax invoice."""

from dataclasses import dataclass

from billing.notices.payment import receipt_copy
from billing.payments import numbers, receipts
from billing.platform.context import TransactionContext
from billing.readers import deceased
from billing.readers.register import by_id
from billing.staff.acts.shape import Preview, format_zar
from billing.staff.roles import Permission


@dataclass(frozen=True)
class SendInvoiceAct:
    """Send the invoice in force again, as a copy (VAT-7)."""

    reader_id: str
    invoice_id: str
    what = Permission.SEND_INVOICE

    def preview(self, ctx: TransactionContext, /) -> Preview:
        """What goes where. Raises UnknownInvoice."""
        paid = receipts.one(ctx.session, self.invoice_id, self.reader_id)
        number = numbers.invoice_number(paid.invoice.number or 0)
        death = deceased.of(ctx.session, self.reader_id)
        to = (
            f"{death.correspondent_name}, {death.correspondent_email}, as the reader has died"
            if death is not None
            else by_id(ctx.session, self.reader_id).email
        )
        words = (
            f"A copy of {number}, over {format_zar(paid.invoice.gross)}, goes to {to}.",
            "It says that it is a copy, and has the invoice as a PDF.",
        )
        return Preview(words, f"Send {number} again")

    def do(self, ctx: TransactionContext, _: str, /) -> str:
        """Queue the mail; the invoice's id. Pressed twice within a minute it is one mail."""
        receipt_copy(ctx, receipts.one(ctx.session, self.invoice_id, self.reader_id))
        return self.invoice_id
