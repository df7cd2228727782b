"""Tax invoices and credit notes as documents: for the mail that carries them, and for copies."""

from datetime import timedelta

from billing.payments import invoice_recipients, numbers
from billing.payments.invoice_recipients import Particulars
from billing.payments.invoices import basis_points, percent
from billing.payments.models import Invoice, Payment, PaymentMethod, Refund
from billing.payments.receipts import Paid
from billing.platform.context import TransactionContext
from billing.platform.site import Site
from billing.rules import tax
from billing.rules.money import Money
from emails import CreditNote, Document, TaxInvoice


def tax_invoice(
    invoice: Invoice, card: PaymentMethod, recipient: Particulars | None, *, is_copy: bool = False
) -> TaxInvoice:
    """The document of a paid invoice; a second one says that it is a copy (VAT-7)."""
    is_full = tax.document_for(Money(invoice.gross)) is tax.InvoiceForm.FULL
    return TaxInvoice(
        number=numbers.invoice_number(invoice.number or 0),
        issued_on=(invoice.issued_on or invoice.period_start_on).isoformat(),
        description=invoice.description,
        period_from=invoice.period_start_on.isoformat(),
        period_to=(invoice.period_end_on - timedelta(days=1)).isoformat(),
        net=invoice.net,
        vat=invoice.vat,
        gross=invoice.gross,
        vat_percent=percent(invoice.vat_basis_points),
        card_brand=card.brand,
        card_last4=card.last4,
        is_copy=is_copy,
        needs_recipient=is_full and recipient is None,
        **_particulars(recipient),
    )


def _particulars(recipient: Particulars | None) -> dict[str, str | None]:
    if recipient is None:
        return {}
    return {
        "recipient_name": recipient.name,
        "recipient_address": recipient.in_one_line,
        "recipient_vat_number": recipient.vat_number,
    }


def credit_note(
    site: Site,
    refund: Refund,
    payment: Payment,
    invoice: Invoice,
    card: PaymentMethod,
    recipient: Particulars | None,
) -> CreditNote:
    """The credit note of a refund that has gone out (VAT-10)."""
    if refund.settled_at is None or refund.credit_note_number is None:
        raise AssertionError(f"{refund.id} has no credit note")
    return CreditNote(
        amount=refund.amount,
        net=refund.net,
        vat=refund.vat,
        vat_percent=percent(basis_points(payment, invoice)),
        credit_note_number=numbers.credit_note_number(refund.credit_note_number),
        invoice_number=numbers.invoice_number(invoice.number or 0),
        issued_on=site.today(refund.settled_at).isoformat(),
        reason=refund.reason,
        card_brand=card.brand,
        card_last4=card.last4,
        transfer=refund.paid_back_ref if refund.bounced_at is None else None,
        **_particulars(recipient),
    )


def copies(ctx: TransactionContext, paid: Paid) -> list[Document]:
    """A paid invoice and its credit notes, for printing. The originals went by mail, so the invoice says copy (VAT-7)."""
    recipient = invoice_recipients.of_invoice(ctx.session, paid.invoice)
    invoice = tax_invoice(paid.invoice, paid.card, recipient, is_copy=True)
    notes = [
        credit_note(ctx.site, refund, paid.payment, paid.invoice, paid.card, recipient)
        for refund in paid.credited
    ]
    return [invoice, *notes]
