"""The search: one box that finds a reader by an address, an id, an invoice number or a card."""

from typing import Annotated

from fastapi import APIRouter, Form
from starlette.responses import Response

from billing.access.describe import sentence_of
from billing.access.entitlements import entitlements_of
from billing.platform.context import TransactionContext
from billing.platform.storable import storable
from billing.staff.find import FoundReader, find
from billing.staff.roles import Permission
from billing.subscriptions.find import latest_of
from billing.web.staff.guard import StaffVisit, needs
from billing.web.views.staff_find import FoundRow, StaffFindPage

router = APIRouter(include_in_schema=False)
LONGEST = 200


@router.post("/staff/find")
def search(
    visit: Annotated[StaffVisit, needs(Permission.FIND, acts=True)], query: Annotated[str, Form()] = ""
) -> Response:
    """Go straight to the reader if only one matches. A POST keeps addresses out of browser histories and logs (SEC-9)."""
    text = query.strip()[:LONGEST]
    with visit.begin() as ctx:
        if not text or not storable(text):
            error = "Type an address or a part of it, an id, an invoice number, or the last four digits of a card."
            return visit.page(StaffFindPage(error=error), 422)
        rows = tuple(_row(ctx, found) for found in find(ctx, text))
        if len(rows) == 1:
            return visit.go(f"/staff/readers/{rows[0].reader_id}")
        return visit.page(StaffFindPage(found=rows, query=text))


def _row(ctx: TransactionContext, found: FoundReader) -> FoundRow:
    reader = found.reader
    return FoundRow(
        reader_id=reader.id,
        email=reader.email,
        by=found.by.value,
        external_id=reader.external_id,
        standing=sentence_of(ctx, entitlements_of(ctx, reader.id), latest_of(ctx.session, reader.id)),
    )
