"""The first page of staff: one box that finds a reader by whatever is known."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Form
from sqlmodel import Session, col, func, select
from starlette.responses import Response

from billing.access.describe import sentence_of
from billing.acquirer import breaker
from billing.billing_run.overdue import overdue_since
from billing.payments import charge
from billing.platform import heartbeat
from billing.platform.storable import storable
from billing.staff.find import FoundReader, find
from billing.staff.models import ReaderRequest
from billing.staff.roles import Permission
from billing.subscriptions.find import latest_of
from billing.web.staff.guard import StaffVisit, StaffVisiting, needs
from billing.web.views.operators import PausedNote
from billing.web.views.staff import FoundRow, StaffFindPage

router = APIRouter(include_in_schema=False)
LONGEST = 200


@router.get("/staff")
def home(visit: StaffVisiting) -> Response:
    """The box; for who finds no readers, their own first room."""
    if not visit.may(Permission.FIND):
        rooms = visit.frame().staff
        return visit.go(rooms.rooms[0][0] if rooms and rooms.rooms else "/staff/nothing")
    return visit.page(
        StaffFindPage(
            waiting=_waiting(visit),
            paused=_paused(visit),
            silent_since=_silence(visit),
            no_run_since=_no_run(visit),
        )
    )


def _paused(visit: StaffVisit) -> PausedNote | None:
    with visit.services.database.transaction() as session:
        pause = breaker.paused(session)
        if pause is None:
            return None
        waiting = charge.waiting(session)
    return PausedNote(since=pause.since, probe_at=pause.probe_at, waiting=waiting, reason=pause.reason)


def _silence(visit: StaffVisit) -> datetime | None:
    with visit.services.database.transaction() as session:
        last = heartbeat.last_heartbeat(session, visit.at)
    return last.at if last is not None and last.silent else None


def _no_run(visit: StaffVisit) -> datetime | None:
    with visit.services.database.transaction() as session:
        return overdue_since(session, visit.at)


def _waiting(visit: StaffVisit) -> int | None:
    if not visit.may(Permission.ANSWER):
        return None
    with visit.services.database.transaction() as session:
        return session.exec(
            select(func.count()).select_from(ReaderRequest).where(col(ReaderRequest.closed_at).is_(None))
        ).one()


@router.post("/staff/find")
def look(
    visit: Annotated[StaffVisit, needs(Permission.FIND, acts=True)], query: Annotated[str, Form()] = ""
) -> Response:
    """Straight to the reader when only one fits. By POST, so that no address stands in a history or a log (SEC-9)."""
    text = query.strip()[:LONGEST]
    if not text or not storable(text):
        error = (
            "Type an address or a part of it, an id, an invoice number, or the last four digits of a card."
        )
        return visit.page(StaffFindPage(waiting=_waiting(visit), error=error), 422)
    with visit.begin() as ctx:
        found = find(ctx, text)
        rows = tuple(_row(visit, ctx.session, one) for one in found)
    if len(rows) == 1:
        return visit.go(f"/staff/readers/{rows[0].reader_id}")
    return visit.page(StaffFindPage(found=rows, query=text, waiting=_waiting(visit)))


def _row(visit: StaffVisit, session: Session, one: FoundReader) -> FoundRow:
    subscription = latest_of(session, one.reader.id)
    return FoundRow(
        reader_id=one.reader.id,
        email=one.reader.email,
        by=one.by.value,
        external_id=one.reader.external_id,
        standing=sentence_of(visit.context(session), one.reader.id, subscription),
    )
