"""A month's tax invoices and credit notes, with the sums that the VAT return wants. Its files are those of the books."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from billing.payments import numbers, vat_documents
from billing.payments.vat_documents import VatDocument
from billing.rules.money import Money
from billing.rules.periods import add_months
from billing.staff import reads
from billing.staff.roles import Permission
from billing.web.staff.guard import StaffVisit, needs
from billing.web.views.staff import DocumentRow, StaffInvoicesPage

router = APIRouter(include_in_schema=False)
Invoicing = Annotated[StaffVisit, needs(Permission.INVOICES)]
Month = Annotated[str, Query(pattern=r"^(20\d\d-(0[1-9]|1[0-2]))?$")]


def _first_day(visit: StaffVisit, month: str) -> date:
    return date.fromisoformat(f"{month}-01") if month else visit.services.site.today(visit.at).replace(day=1)


@router.get("/staff/invoices")
def month(visit: Invoicing, month: Month = "") -> Response:
    """All of a month, newest first."""
    first = _first_day(visit, month)
    with visit.begin() as ctx:
        found = vat_documents.of_month(ctx, first)
        reads.note_rows(ctx, "GET /staff/invoices", len(found))
    following = add_months(first, 1)
    in_future = following > visit.services.site.today(visit.at)
    return visit.page(
        StaffInvoicesPage(
            month=f"{first:%Y-%m}",
            first_day=first,
            before=f"{add_months(first, -1):%Y-%m}",
            after=None if in_future else f"{following:%Y-%m}",
            rows=tuple(_row(one) for one in found),
            net=Money(sum(one.net for one in found)),
            vat=Money(sum(one.vat for one in found)),
            gross=Money(sum(one.gross for one in found)),
        )
    )


def _number(one: VatDocument) -> str:
    return numbers.credit_note_number(one.number) if one.is_credit else numbers.invoice_number(one.number)


def _row(one: VatDocument) -> DocumentRow:
    return DocumentRow(
        number=_number(one),
        issued_on=one.issued_on,
        reader_id=one.reader_id,
        description=one.description,
        net=Money(one.net),
        vat=Money(one.vat),
        gross=Money(one.gross),
    )
