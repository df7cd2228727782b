"""The first page of staff: one box that finds a reader by an address, an id, an invoice number or a card."""

from typing import Annotated

from fastapi import APIRouter, Form
from sqlmodel import Session, col, func, select
from starlette.responses import Response

from billing.access.describe import sentence_of
from billing.access.entitlements import entitlements_of
from billing.acquirer import breaker
from billing.billing_run.overdue import overdue_since
from billing.payments import charge
from billing.platform import heartbeat
from billing.platform.context import TransactionContext
from billing.platform.storable import storable
from billing.staff.find import FoundReader, find
from billing.staff.models import ReaderRequest
from billing.staff.roles import Permission
from billing.subscriptions.find import latest_of
from billing.web.staff.guard import StaffVisit, StaffVisiting, needs
from billing.web.views.operators import PausedNote
from billing.web.views.staff_find import FoundRow, StaffFindPage

router = APIRouter(include_in_schema=False)
LONGEST = 200


@router.get("/staff")
def home(visit: StaffVisiting) -> Response:
    """The search box; a member who may not search goes to their own first page."""
    if not visit.may(Permission.FIND):
        return visit.go(visit.rooms[0][0] if visit.rooms else "/staff/nothing")
    with visit.begin() as ctx:
        last = heartbeat.last_heartbeat(ctx.session, ctx.at)
        view = StaffFindPage(
            waiting=_waiting(visit, ctx.session),
            paused=_paused(ctx.session),
            silent_since=last.at if last is not None and last.silent else None,
            no_run_since=overdue_since(ctx.session, ctx.at),
        )
    return visit.page(view)


def _paused(session: Session) -> PausedNote | None:
    pause = breaker.paused(session)
    if pause is None:
        return None
    waiting = charge.waiting(session)
    return PausedNote(since=pause.since, probe_at=pause.probe_at, waiting=waiting, reason=pause.reason)


def _waiting(visit: StaffVisit, session: Session) -> int | None:
    """How many requests wait; None for a member who may not answer them."""
    if not visit.may(Permission.ANSWER):
        return None
    open_ones = (
        select(func.count()).select_from(ReaderRequest).where(col(ReaderRequest.waits_since).is_not(None))
    )
    return session.exec(open_ones).one()


@router.post("/staff/find")
def search(
    visit: Annotated[StaffVisit, needs(Permission.FIND, acts=True)], query: Annotated[str, Form()] = ""
) -> Response:
    """Go straight to the reader if only one matches. A POST keeps addresses out of browser histories and logs (SEC-9)."""
    text = query.strip()[:LONGEST]
    with visit.begin() as ctx:
        if not text or not storable(text):
            error = "Type an address or a part of it, an id, an invoice number, or the last four digits of a card."
            return visit.page(StaffFindPage(waiting=_waiting(visit, ctx.session), error=error), 422)
        rows = tuple(_row(ctx, found) for found in find(ctx, text))
        if len(rows) == 1:
            return visit.go(f"/staff/readers/{rows[0].reader_id}")
        return visit.page(StaffFindPage(found=rows, query=text, waiting=_waiting(visit, ctx.session)))


def _row(ctx: TransactionContext, found: FoundReader) -> FoundRow:
    reader = found.reader
    return FoundRow(
        reader_id=reader.id,
        email=reader.email,
        by=found.by.value,
        external_id=reader.external_id,
        standing=sentence_of(ctx, entitlements_of(ctx, reader.id), latest_of(ctx.session, reader.id)),
    )
