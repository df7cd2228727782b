"""A month's tax invoices and credit notes, with the sums for the VAT return. Their files are among those of the books."""

from typing import Annotated

from fastapi import APIRouter
from starlette.responses import Response

from billing.payments import numbers, vat_documents
from billing.payments.vat_documents import VatDocument
from billing.rules.money import Money
from billing.staff import reads
from billing.staff.roles import Permission
from billing.web.staff.books import Month, first_day, neighbours
from billing.web.staff.guard import StaffVisit, needs
from billing.web.views.staff_records import DocumentRow, StaffInvoicesPage

router = APIRouter(include_in_schema=False)


@router.get("/staff/invoices")
def month(visit: Annotated[StaffVisit, needs(Permission.INVOICES)], month: Month = "") -> Response:
    """All of a month, newest first."""
    first = first_day(visit, month)
    with visit.begin() as ctx:
        documents = vat_documents.of_month(ctx, first)
        reads.note_rows(ctx, "GET /staff/invoices", len(documents))
    before, after = neighbours(first, visit.today)
    return visit.page(
        StaffInvoicesPage(
            month=f"{first:%Y-%m}",
            first_day=first,
            before=before,
            after=after,
            rows=tuple(_row(document) for document in documents),
            net=Money(sum(document.net for document in documents)),
            vat=Money(sum(document.vat for document in documents)),
            gross=Money(sum(document.gross for document in documents)),
        )
    )


def _row(document: VatDocument) -> DocumentRow:
    number_of = numbers.credit_note_number if document.is_credit else numbers.invoice_number
    return DocumentRow(
        number=number_of(document.number),
        issued_on=document.issued_on,
        reader_id=document.reader_id,
        description=document.description,
        net=Money(document.net),
        vat=Money(document.vat),
        gross=Money(document.gross),
        buyer=document.buyer,
    )
