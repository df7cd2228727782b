"""What a reader's tax invoices have of the buyer, from now on: name, postal address, VAT number (VAT-6)."""

from typing import Annotated

from fastapi import APIRouter, Form
from starlette.responses import Response

from billing.payments import invoice_recipients
from billing.payments.invoice_recipients import MOST, MOST_TYPED
from billing.platform.errors import Invalid
from billing.web.kit.problems import words_of
from billing.web.kit.typed import LINES
from billing.web.kit.visit import Guarded, Visiting
from billing.web.reader.guard import signed_in
from billing.web.views.receipt import InvoiceDetailsPage

router = APIRouter(include_in_schema=False)
PATH = "/account/invoice-details"


@router.get(PATH)
def form(visit: Visiting) -> Response:
    """The details as they are. Raises RedirectReader."""
    reader = signed_in(visit)
    with visit.read() as ctx:
        known = invoice_recipients.of_reader(ctx.session, reader.id)
    if known is None:
        return visit.page(InvoiceDetailsPage())
    return visit.page(
        InvoiceDetailsPage(
            name=known.name, address=known.address, vat_number=known.vat_number or "", kept=True
        )
    )


@router.post(PATH)
def save(
    visit: Guarded,
    name: Annotated[str, Form(max_length=2 * MOST)] = "",
    address: Annotated[str, Form(max_length=2 * MOST), LINES] = "",
    vat_number: Annotated[str, Form(max_length=2 * MOST_TYPED)] = "",
) -> Response:
    """Put them on tax invoices from now on. Raises RedirectReader."""
    reader = signed_in(visit)
    try:
        particulars = invoice_recipients.read(name, address, vat_number)
    except Invalid as refusal:
        with visit.begin() as ctx:
            kept = invoice_recipients.of_reader(ctx.session, reader.id) is not None
        name, address, vat_number = (typed.replace("\0", "") for typed in (name, address, vat_number))
        again = InvoiceDetailsPage(
            name=name, address=address, vat_number=vat_number, kept=kept, error=words_of(refusal)
        )
        return visit.page(again, 422)
    with visit.begin() as ctx:
        invoice_recipients.enter(ctx, reader.id, particulars)
    return visit.go(PATH, "invoice-details")


@router.post(f"{PATH}/remove")
def remove(visit: Guarded) -> Response:
    """Leave them out from now on. Raises RedirectReader."""
    reader = signed_in(visit)
    with visit.begin() as ctx:
        invoice_recipients.enter(ctx, reader.id, None)
    return visit.go(PATH, "invoice-details-removed")
