"""A reader's things on their page of staff: a tax invoice as a file, and the pins of notes."""

from typing import Annotated

from fastapi import APIRouter
from starlette.responses import Response

from billing.payments import receipts
from billing.payments.document_text import copies
from billing.readers.register import by_id
from billing.staff import audit, pins
from billing.staff.roles import Permission
from billing.web.kit.files import as_file
from billing.web.staff.guard import StaffVisit, needs

router = APIRouter(include_in_schema=False)
Noting = Annotated[StaffVisit, needs(Permission.NOTE, acts=True)]
NOTE = "/staff/readers/{reader_id}/notes/{note_id}"


@router.get("/staff/readers/{reader_id}/invoices/{invoice_id}.pdf")
def invoice_file(
    visit: Annotated[StaffVisit, needs(Permission.READ)], reader_id: str, invoice_id: str
) -> Response:
    """A tax invoice with its credit notes, as the reader's own copy, in the reader's language. Raises UnknownInvoice, NoPdf."""
    with visit.begin() as ctx:
        reader = by_id(ctx.session, reader_id)
        audit.note_page_opened(ctx, reader_id)
        documents = copies(ctx, receipts.one(ctx.session, invoice_id, reader_id))
        language = ctx.site.languages.by_code(reader.language) or visit.language
    return as_file(documents, visit.services.sender.house, language)


@router.post(f"{NOTE}/pin")
def pin(visit: Noting, reader_id: str, note_id: str) -> Response:
    """Show the note at the top of the page."""
    return _pin(visit, reader_id, note_id, pinned_now=True)


@router.post(f"{NOTE}/unpin")
def unpin(visit: Noting, reader_id: str, note_id: str) -> Response:
    """Leave the note to the timeline."""
    return _pin(visit, reader_id, note_id, pinned_now=False)


def _pin(visit: StaffVisit, reader_id: str, note_id: str, *, pinned_now: bool) -> Response:
    with visit.begin() as ctx:
        pins.pin(ctx, reader_id, note_id, pinned_now=pinned_now)
    return visit.go(f"/staff/readers/{reader_id}", "staff-done")
