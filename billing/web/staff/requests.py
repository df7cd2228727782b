"""What readers ask: oldest first with the rand at risk, and the answer."""

from typing import Annotated

from fastapi import APIRouter, Form
from starlette.responses import Response

from billing.staff import confirm_request, reads, requests
from billing.staff.models import ReaderRequest
from billing.staff.roles import Permission
from billing.web.kit.typed import LINES
from billing.web.staff.guard import StaffVisit, needs
from billing.web.staff.show import request_row
from billing.web.views.staff import StaffRequestPage, StaffRequestsPage

router = APIRouter(include_in_schema=False)


@router.get("/staff/requests")
def waiting(visit: Annotated[StaffVisit, needs(Permission.ANSWER)]) -> Response:
    """The queue."""
    with visit.begin() as ctx:
        rows = requests.waiting(ctx)
        reads.note_rows(ctx, "GET /staff/requests", len(rows))
    return visit.page(StaffRequestsPage(rows=tuple(request_row(one) for one in rows)))


@router.get("/staff/requests/{request_id}")
def one(visit: Annotated[StaffVisit, needs(Permission.ANSWER)], request_id: str) -> Response:
    """One request; also of somebody whom we don't know by that address."""
    with visit.begin() as ctx:
        request = requests.one(ctx.session, request_id)
        return visit.page(_view(requests.at_risk(ctx, request)))


def _view(waiting: requests.Waiting, *, draft: str = "", error: str | None = None) -> StaffRequestPage:
    request: ReaderRequest = waiting.request
    return StaffRequestPage(
        row=request_row(waiting),
        closed_at=request.closed_at,
        closed_by=request.closed_by,
        answer=request.answer,
        draft=draft,
        error=error,
    )


@router.post("/staff/requests/{request_id}/ask-to-confirm")
def ask_to_confirm(
    visit: Annotated[StaffVisit, needs(Permission.ANSWER, acts=True)], request_id: str
) -> Response:
    """Mail the reader a link by which they say that it is theirs."""
    with visit.begin() as ctx:
        confirm_request.ask(ctx, request_id)
    return visit.go(f"/staff/requests/{request_id}", "staff-asked")


@router.post("/staff/requests/{request_id}/answer")
def answer(
    visit: Annotated[StaffVisit, needs(Permission.ANSWER, acts=True)],
    request_id: str,
    words: Annotated[str, Form(max_length=2000), LINES] = "",
) -> Response:
    """Answer by mail, and close it. Two at once: the second sees the first one's answer."""
    try:
        with visit.begin() as ctx:
            done = requests.answer(ctx, request_id, words)
    except (requests.NothingSaid, requests.CardNumberIn, requests.AlreadyClosed) as refusal:
        with visit.begin() as ctx:
            request = requests.one(ctx.session, request_id)
            seen = requests.at_risk(ctx, request)
        return visit.page(_view(seen, draft=words, error=refusal.detail), refusal.status)
    return visit.go(
        f"/staff/readers/{done.reader_id}" if done.reader_id else "/staff/requests", "staff-answered"
    )
