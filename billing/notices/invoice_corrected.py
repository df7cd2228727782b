"""The mail with a corrected tax invoice, and the credit note of the one that it replaces."""

from dataclasses import dataclass

from billing.mail import outbox
from billing.notices.send import send_all
from billing.payments import corrections
from billing.payments.corrections import InvoiceCorrection
from billing.payments.document_text import replacement_note, tax_invoice
from billing.payments.receipts import Paid
from billing.platform.context import TransactionContext
from billing.readers.register import by_id
from emails import ALWAYS, CreditNote, Document, Mail, TaxInvoice, Url
from emails.languages import say

_NAMED = {
    "recipient_name": "Karoo Wool (Pty) Ltd",
    "recipient_address": "1 Church Street, Cradock, 5880",
    "recipient_vat_number": "4123456789",
}
_REPLACES = {"number": "INV-000131", "replaces": "INV-000123", "supplied_on": "2026-03-16"}
_NOTE = {
    "reason": say("Replaced by tax invoice %(number)s: the buyer’s details", number="INV-000131"),
    "replaced_by": "INV-000131",
}


@dataclass(frozen=True)
class InvoiceCorrectedMail(Mail, true_while=ALWAYS, to_correspondent=True):
    """A tax invoice was replaced by one with the buyer's details (VAT-8). No money moved. One of each; lists as in other mails."""

    samples = {
        "": {"invoices": [_NAMED | _REPLACES], "notes": [_NOTE]},
        "again": {"invoices": [_NAMED | _REPLACES], "notes": [_NAMED | _NOTE]},
    }
    invoices: tuple[TaxInvoice, ...]
    notes: tuple[CreditNote, ...]
    account_url: Url

    @property
    def documents(self) -> tuple[Document, ...]:
        """The new tax invoice, and the credit note of the old one."""
        return (*self.invoices, *self.notes)


def invoice_corrected(ctx: TransactionContext, row: InvoiceCorrection, paid: Paid) -> None:
    """Send both documents, once for each correction. `paid` is the invoice as it is now."""
    history = corrections.history_of(ctx.session, paid.invoice)
    named = history.named
    new = tax_invoice(paid.invoice, paid.card, named.get(row.number), as_issued=history.issued[-1])
    note = replacement_note(row, paid.invoice, paid.card, named.get(row.replaced_number))
    reader = by_id(ctx.session, row.reader_id)
    mail = InvoiceCorrectedMail((new,), (note,), ctx.site.account_url)
    key, until = f"invoice-corrected:{row.id}", ctx.at + outbox.RECEIPT_LIFE
    send_all(ctx, [outbox.NewMessage(mail, key, reader.email, reader.id, until, row.id)])
