"""A tax invoice with its credit notes, as a page and as a file."""

from datetime import timedelta

from fastapi import APIRouter
from starlette.responses import Response

from billing.payments import invoice_recipients, numbers, receipts
from billing.payments.document_text import copies, tax_invoice
from billing.payments.invoices import percent
from billing.readers.models import Reader
from billing.rules.money import Money
from billing.web.kit.files import as_file
from billing.web.kit.view_rows import card_of
from billing.web.kit.visit import Visit, Visiting
from billing.web.reader.guard import signed_in
from billing.web.views.account import CreditNoteRow, ReceiptPage
from emails import can_print

router = APIRouter(include_in_schema=False)


@router.get("/account/receipts/{invoice_id}.pdf")  # before the page, which would match it
def receipt_file(visit: Visiting, invoice_id: str) -> Response:
    """The same as a file. Raises RedirectReader, UnknownInvoice, NoPdf."""
    reader = signed_in(visit)
    with visit.begin() as ctx:
        documents = copies(ctx, receipts.one(ctx.session, invoice_id, reader.id))
    return as_file(documents, visit.services.sender.house)


@router.get("/account/receipts/{invoice_id}")
def receipt(visit: Visiting, invoice_id: str) -> Response:
    """A tax invoice as a page, which says copy: the original went by mail (VAT-7). Raises RedirectReader, UnknownInvoice."""
    return visit.page(_page(visit, signed_in(visit), invoice_id))


def _page(visit: Visit, reader: Reader, invoice_id: str) -> ReceiptPage:
    with visit.begin() as ctx:
        paid = receipts.one(ctx.session, invoice_id, reader.id)
        recipient = invoice_recipients.of_invoice(ctx.session, paid.invoice)
    invoice, currency = paid.invoice, paid.invoice.currency
    words = tax_invoice(invoice, paid.card, recipient, is_copy=True)
    return ReceiptPage(
        number=words.number,
        issued_on=invoice.issued_on or invoice.period_start_on,
        reader_email=reader.email,
        recipient=recipient,
        needs_recipient=words.needs_recipient,
        description=invoice.description,
        period_from=invoice.period_start_on,
        period_to=invoice.period_end_on - timedelta(days=1),
        net=Money(invoice.net, currency),
        vat=Money(invoice.vat, currency),
        gross=Money(invoice.gross, currency),
        vat_percent=percent(invoice.vat_basis_points),
        card=card_of(paid.card),
        file=f"/account/receipts/{invoice.id}.pdf" if can_print() else None,
        credit_notes=tuple(
            CreditNoteRow(
                number=numbers.credit_note_number(refund.credit_note_number),
                issued_on=visit.services.site.today(refund.settled_at),
                net=Money(refund.net, currency),
                vat=Money(refund.vat, currency),
                gross=Money(refund.amount, currency),
                reason=refund.reason,
            )
            for refund in paid.refunds
            if refund.credit_note_number is not None and refund.settled_at is not None
        ),
    )
