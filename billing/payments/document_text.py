"""Tax invoices and credit notes as documents: for the mail that carries them, and for copies."""

from datetime import timedelta

from billing.payments import corrections, numbers, refund_reasons
from billing.payments.corrections import InvoiceCorrection, InvoiceHistory, IssuedInvoice
from billing.payments.invoice_recipients import Particulars
from billing.payments.invoices import basis_points, described, percent
from billing.payments.models import Invoice, Payment, PaymentMethod
from billing.payments.receipts import Paid
from billing.payments.refund_models import Refund
from billing.platform.context import TransactionContext
from billing.platform.site import Site
from billing.rules import tax
from billing.rules.money import Money
from emails import CreditNote, Document, TaxInvoice


def tax_invoice(
    invoice: Invoice,
    card: PaymentMethod,
    recipient: Particulars | None,
    *,
    is_copy: bool = False,
    as_issued: IssuedInvoice | None = None,
) -> TaxInvoice:
    """The document of a paid invoice; a second one says that it is a copy (VAT-7). `as_issued`: which of its tax invoices, where it
    was corrected."""
    shown = as_issued or corrections.issued(invoice, [])[0]
    is_full = tax.document_for(Money(shown.gross)) is tax.InvoiceForm.FULL
    return TaxInvoice(
        number=numbers.invoice_number(shown.number),
        issued_on=shown.issued_on.isoformat(),
        description=described(invoice.description),
        period_from=invoice.period_start_on.isoformat(),
        period_to=(invoice.period_end_on - timedelta(days=1)).isoformat(),
        net=shown.net,
        vat=shown.vat,
        gross=shown.gross,
        vat_percent=percent(invoice.vat_basis_points),
        card_brand=card.brand,
        card_last4=card.last4,
        is_copy=is_copy,
        replaces=numbers.invoice_number(shown.replaces) if shown.replaces else None,
        supplied_on=shown.supplied_on.isoformat() if shown.replaces else None,
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
    history: InvoiceHistory,
) -> CreditNote:
    """The credit note of a refund that has gone out (VAT-10)."""
    if refund.settled_at is None or refund.credit_note_number is None:
        raise AssertionError(f"{refund.id} has no credit note")
    number = corrections.credited_by(history.issued, refund.credit_note_number).number
    return CreditNote(
        amount=refund.amount,
        net=refund.net,
        vat=refund.vat,
        vat_percent=percent(basis_points(payment, invoice)),
        credit_note_number=numbers.credit_note_number(refund.credit_note_number),
        invoice_number=numbers.invoice_number(number),
        issued_on=site.today(refund.settled_at).isoformat(),
        reason=refund_reasons.in_words(refund.reason),
        card_brand=card.brand,
        card_last4=card.last4,
        # one that bounced had its credit note before any transfer
        transfer=refund.paid_back_ref if refund.bounced_at is None else None,
        **_particulars(history.named.get(number)),
    )


def replacement_note(
    row: InvoiceCorrection, invoice: Invoice, card: PaymentMethod, recipient: Particulars | None
) -> CreditNote:
    """The credit note of a tax invoice that another one replaces. `recipient`: whom the old one names."""
    new = numbers.invoice_number(row.number)
    return CreditNote(
        amount=row.gross,
        net=row.net,
        vat=row.vat,
        vat_percent=percent(invoice.vat_basis_points),
        credit_note_number=numbers.credit_note_number(row.credit_note_number),
        invoice_number=numbers.invoice_number(row.replaced_number),
        issued_on=row.issued_on.isoformat(),
        reason=corrections.in_words(row),
        card_brand=card.brand,
        card_last4=card.last4,
        replaced_by=new,
        **_particulars(recipient),
    )


def copies(ctx: TransactionContext, paid: Paid) -> list[Document]:
    """A paid invoice and its credit notes, for printing; then those that it replaces, with theirs. The originals went by mail, so
    the invoices say copy (VAT-7)."""
    history = corrections.history_of(ctx.session, paid.invoice)
    documents: list[Document] = []
    for each in reversed(history.issued):
        recipient = history.named.get(each.number)
        documents.append(tax_invoice(paid.invoice, paid.card, recipient, is_copy=True, as_issued=each))
        documents += [
            credit_note(ctx.site, refund, paid.payment, paid.invoice, paid.card, history)
            for refund in corrections.notes_on(history.issued, paid.refunds, each)
        ]
        if each.replaced_by is not None:
            documents.append(replacement_note(each.replaced_by, paid.invoice, paid.card, recipient))
    return documents
