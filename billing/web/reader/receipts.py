"""A tax invoice with its credit notes, as a page and as a file; and the reader's details put on it afterwards."""

from collections.abc import Iterator
from datetime import timedelta

from fastapi import APIRouter
from starlette.responses import Response

from billing.payments import corrections, invoice_recipients, numbers, receipts
from billing.payments.corrections import InvoiceHistory
from billing.payments.document_text import copies, credit_note, tax_invoice
from billing.payments.invoice_recipients import NameAndAddressNeeded
from billing.payments.invoices import percent
from billing.payments.receipts import Paid
from billing.platform.site import Site
from billing.readers import rate
from billing.readers.models import Reader
from billing.refunds import correct_invoice
from billing.rules.money import Money
from billing.web.kit.files import as_file
from billing.web.kit.view_rows import card_of
from billing.web.kit.visit import Guarded, Visit, Visiting
from billing.web.reader.guard import signed_in
from billing.web.views.receipt import CreditNoteRow, ReceiptPage, ReplacedInvoiceRow
from emails import can_print

router = APIRouter(include_in_schema=False)
MOST_A_DAY = 10
"""Corrections that a reader may make: each takes two numbers and a mail."""


@router.get("/account/receipts/{invoice_id}.pdf")  # before the page, which would match it
def receipt_file(visit: Visiting, invoice_id: str) -> Response:
    """The same as a file. Raises RedirectReader, UnknownInvoice, NoPdf."""
    reader = signed_in(visit)
    with visit.read() as ctx:
        documents = copies(ctx, receipts.one(ctx.session, invoice_id, reader.id))
    return as_file(documents, visit.services.sender.house, visit.language)


@router.get("/account/receipts/{invoice_id}")
def receipt(visit: Visiting, invoice_id: str) -> Response:
    """A tax invoice as a page, which says copy: the original went by mail (VAT-7). Raises RedirectReader, UnknownInvoice."""
    return visit.page(_page(visit, signed_in(visit), invoice_id))


@router.post("/account/receipts/{invoice_id}")
def put_details_on_it(visit: Guarded, invoice_id: str) -> Response:
    """Replace it by one with the reader's invoice details (VAT-8). A second press finds them on it. Raises RedirectReader,
    UnknownInvoice, NameAndAddressNeeded, NothingToCorrect, TooOldToCorrect, TooMany."""
    reader, path = signed_in(visit), f"/account/receipts/{invoice_id}"
    with visit.begin() as ctx:  # apart from the correction: what is refused counts too
        receipts.one(ctx.session, invoice_id, reader.id)
        rate.count(ctx, "invoice correction", reader.id, limit=MOST_A_DAY, per=timedelta(days=1))
    with visit.begin() as ctx:
        particulars = invoice_recipients.of_reader(ctx.session, reader.id)
        if particulars is None:
            raise NameAndAddressNeeded
        try:
            correct_invoice.correct(ctx, invoice_id, reader.id, particulars, "The reader asked for it")
        except correct_invoice.NamedAlready:
            return visit.go(path)
    return visit.go(path, "invoice-corrected")


def _page(visit: Visit, reader: Reader, invoice_id: str) -> ReceiptPage:
    with visit.read() as ctx:
        paid = receipts.one(ctx.session, invoice_id, reader.id)
        history = corrections.history_of(ctx.session, paid.invoice)
        details = invoice_recipients.of_reader(ctx.session, reader.id)
    invoice, currency, shown = paid.invoice, paid.invoice.currency, history.issued[-1]
    recipient = history.named.get(shown.number)
    words = tax_invoice(invoice, paid.card, recipient, is_copy=True, as_issued=shown)
    is_correctable = correct_invoice.is_correctable(paid, shown, visit.today)
    return ReceiptPage(
        number=words.number,
        issued_on=shown.issued_on,
        supplied_on=shown.supplied_on if shown.replaces else None,
        reader_email=reader.email,
        recipient=recipient,
        needs_recipient=words.needs_recipient,
        details=details if is_correctable and details != recipient else None,
        may_name=is_correctable and details is None,
        action=f"/account/receipts/{invoice.id}",
        description=words.description,
        period_from=invoice.period_start_on,
        period_to=invoice.period_end_on - timedelta(days=1),
        net=Money(shown.net, currency),
        vat=Money(shown.vat, currency),
        gross=Money(shown.gross, currency),
        vat_percent=percent(invoice.vat_basis_points),
        paid_on=visit.services.site.today(paid.payment.paid_at),
        card=card_of(paid.card),
        file=f"/account/receipts/{invoice.id}.pdf" if can_print() else None,
        credit_notes=tuple(
            sorted(_credit_notes(visit.services.site, paid, history), key=lambda note: note.number)
        ),
        replaced=tuple(
            ReplacedInvoiceRow(numbers.invoice_number(each.number), each.issued_on)
            for each in history.issued[:-1]
        ),
    )


def _credit_notes(site: Site, paid: Paid, history: InvoiceHistory) -> Iterator[CreditNoteRow]:
    """Those of refunds, and those of tax invoices that were replaced."""
    currency = paid.invoice.currency
    for refund in paid.credited:
        if refund.credit_note_number is not None and refund.settled_at is not None:
            note = credit_note(site, refund, paid.payment, paid.invoice, paid.card, history)
            yield CreditNoteRow(
                number=note.credit_note_number,
                of_invoice=note.invoice_number,
                issued_on=site.today(refund.settled_at),
                net=Money(note.net, currency),
                vat=Money(note.vat, currency),
                gross=Money(note.amount, currency),
                reason=note.reason,
            )
    for each in history.issued:
        if (row := each.replaced_by) is not None:
            yield CreditNoteRow(
                number=numbers.credit_note_number(row.credit_note_number),
                of_invoice=numbers.invoice_number(each.number),
                issued_on=row.issued_on,
                net=Money(row.net, currency),
                vat=Money(row.vat, currency),
                gross=Money(row.gross, currency),
                reason=corrections.in_words(row),
            )
