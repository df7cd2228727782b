"""One box that finds a reader by an address, a name, an id, the number of a document, a card, or a charge."""

from dataclasses import replace
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Query
from starlette.responses import Response

from billing.access.describe import sentence_of
from billing.access.entitlements import entitlements_of
from billing.payments import numbers
from billing.platform.context import TransactionContext
from billing.platform.storable import storable
from billing.readers import deceased
from billing.readers.register import BadAddress, clean_address
from billing.rules.search_terms import SHORTEST_WORD
from billing.staff.find import Found, FoundReader, find
from billing.staff.roles import Permission
from billing.subscriptions.find import latest_of
from billing.web.staff.guard import StaffVisit, needs
from billing.web.views.staff_find import ChargeRow, FoundRow, FoundRows, RequestFound, StaffFindPage

router = APIRouter(include_in_schema=False)
LONGEST = 200
WHAT_TO_TYPE = (
    "Type an address, a name or a part of them, an id, the number of an invoice or a credit note, the last four digits of a card,"
    " or the amount or day of a charge."
)
Finding = Annotated[StaffVisit, needs(Permission.FIND)]
Typed = Annotated[str, Query(max_length=LONGEST)]
Key = Annotated[str, Query(max_length=60, pattern=r"^((rdr|pay)_[0-9a-z]+)?$")]


@router.get("/staff/find")
def search(visit: Finding, q: Typed = "", after: Key = "") -> Response:
    """Go straight to the reader if only one fits, and to a request by its id.

    The words stand in the address, so that a browser's Back finds them again. They reach no log of ours, as access lines name the
    route only (SEC-9), and no other site, as `Referrer-Policy` is `no-referrer`; a proxy in front must not log query strings."""
    text, view = q.strip(), StaffFindPage(query=q)
    if not q:
        return visit.page(view)
    if not text or not storable(text):
        return visit.page(replace(view, error=WHAT_TO_TYPE), 422)
    with visit.begin() as ctx:
        found = find(ctx, text, after=after)
        if found.request is not None and visit.may(Permission.ANSWER):
            return visit.go(f"/staff/requests/{found.request.id}")
        if len(found.readers) + len(found.charges) == 1 and not after:
            return visit.go(f"/staff/readers/{found.reader_ids[0]}")
        rows = _rows(visit, ctx, found, text)
        if not found.reader_ids and not after:
            rows = replace(rows, invite=_invite(visit, text))
        return visit.page(replace(view, query=text, found=rows))


@router.get("/staff/find/rows")
def rows(visit: Finding, q: Typed = "") -> Response:
    """The same page while a word is typed, of which `staff.js` takes the rows. It leads nowhere by itself, and is counted apart."""
    text = q.strip()
    view = StaffFindPage(query=q)
    if len(text) < SHORTEST_WORD or not storable(text):
        return visit.page(view)
    with visit.begin() as ctx:
        return visit.page(replace(view, found=_rows(visit, ctx, find(ctx, text, as_typed=True), text)))


def _rows(visit: StaffVisit, ctx: TransactionContext, found: Found, text: str) -> FoundRows:
    request = found.request if visit.may(Permission.ANSWER) else None
    dead = deceased.among(ctx.session, found.reader_ids) if found.readers else set()
    return FoundRows(
        readers=tuple(replace(_row(ctx, one), died=one.reader.id in dead) for one in found.readers),
        charges=tuple(
            ChargeRow(
                reader_id=one.reader.id,
                email=one.reader.email,
                paid_at=one.paid_at,
                amount=one.amount,
                number=numbers.invoice_number(one.number) if one.number is not None else None,
            )
            for one in found.charges
        ),
        request=RequestFound(
            link=f"/staff/requests/{request.id}", email=request.email, received_at=request.received_at
        )
        if request is not None
        else None,
        more_readers=_further(text, found.readers_after),
        more_charges=_further(text, found.charges_after),
    )


def _further(text: str, after: str | None) -> str | None:
    return f"/staff/find?{urlencode({'q': text, 'after': after})}" if after is not None else None


def _invite(visit: StaffVisit, text: str) -> str | None:
    """The page of complimentary days for a typed address that nobody has; None for other words, and for roles that give none."""
    try:
        email = clean_address(text)
    except BadAddress:
        return None
    may = visit.may(Permission.COMPLIMENTARY)
    return f"/staff/complimentary?{urlencode({'email': email})}" if may else None


def _row(ctx: TransactionContext, found: FoundReader) -> FoundRow:
    reader = found.reader
    return FoundRow(
        reader_id=reader.id,
        email=reader.email,
        by=found.by.value,
        external_id=reader.external_id,
        standing=sentence_of(ctx, entitlements_of(ctx, reader.id), latest_of(ctx.session, reader.id)),
    )
