"""The requests of readers: oldest first, with the rand at risk, and staff's answers."""

from dataclasses import replace
from typing import Annotated, Literal

from fastapi import APIRouter, Form
from starlette.responses import Response

from billing.platform.context import TransactionContext
from billing.rules.lifecycle import State
from billing.rules.money import Money
from billing.staff import confirm_request, reads, requests, threads
from billing.staff.roles import Permission
from billing.subscriptions.models import Subscription
from billing.web.kit.typed import LINES
from billing.web.reader.own_requests import thread_message
from billing.web.staff.guard import StaffVisit, needs
from billing.web.views.staff_requests import (
    EarlierWithdrawal,
    RequestRow,
    StaffRequestPage,
    StaffRequestsPage,
)

router = APIRouter(include_in_schema=False)
Seeing = Annotated[StaffVisit, needs(Permission.ANSWER)]
Acting = Annotated[StaffVisit, needs(Permission.ANSWER, acts=True)]


@router.get("/staff/requests")
def show_all(visit: Seeing) -> Response:
    """The requests that wait."""
    with visit.begin() as ctx:
        rows = requests.waiting(ctx)
        reads.note_rows(ctx, "GET /staff/requests", len(rows))
    return visit.page(StaffRequestsPage(rows=tuple(request_row(waiting) for waiting in rows)))


@router.get("/staff/requests/{request_id}")
def show(visit: Seeing, request_id: str) -> Response:
    """One request, also one from an address that we don't know."""
    with visit.begin() as ctx:
        return visit.page(_view(ctx, request_id))


def _view(
    ctx: TransactionContext, request_id: str, *, draft: str = "", error: str | None = None
) -> StaffRequestPage:
    request = requests.one(ctx.session, request_id)
    return StaffRequestPage(
        row=request_row(requests.at_risk(ctx, request)),
        messages=tuple(
            replace(thread_message(row), by=row.by) for row in threads.messages(ctx.session, request.id)
        ),
        closed_at=request.closed_at,
        closed_by=request.closed_by,
        closing_act=request.closing_act,
        draft=draft,
        error=error,
    )


@router.post("/staff/requests/{request_id}/ask-to-confirm")
def ask_to_confirm(visit: Acting, request_id: str) -> Response:
    """Mail the reader a link that confirms the request."""
    with visit.begin() as ctx:
        confirm_request.ask(ctx, request_id)
    return visit.go(f"/staff/requests/{request_id}", "staff-asked")


@router.post("/staff/requests/{request_id}/answer")
def answer(
    visit: Acting, request_id: str, words: Annotated[str, Form(max_length=2000), LINES] = ""
) -> Response:
    """Answer in the thread and by mail. If two members do so at once, the second sees the first one's answer."""
    try:
        with visit.begin() as ctx:
            reader_id = requests.answer(ctx, request_id, words).reader_id
    except (requests.NothingSaid, requests.CardNumberIn, requests.AlreadyClosed) as refusal:
        with visit.begin() as ctx:
            view = _view(ctx, request_id, draft=words, error=refusal.detail)
        return visit.page(view, refusal.status)
    return visit.go(f"/staff/readers/{reader_id}" if reader_id else "/staff/requests", "staff-answered")


def _stands(about: Subscription | None) -> Literal["runs", "cancelled", "ended"]:
    if about is None or about.state is State.ENDED:
        return "ended"
    return "runs" if about.cancels_at is None else "cancelled"


def request_row(waiting: requests.Waiting) -> RequestRow:
    """A request with what is at risk."""
    request, withdrawal = waiting.request, waiting.withdrawal
    return RequestRow(
        request_id=request.id,
        reader_id=request.reader_id,
        email=request.email,
        asked=request.kind.words,
        words=request.words,
        received_at=request.received_at,
        email_verified=request.email_verified,
        confirm_asked_at=request.confirm_asked_at,
        confirmed_at=request.confirmed_at,
        waits_since=request.waits_since,
        may_ask=confirm_request.may_ask(request),
        charged_since=Money(waiting.charged_since) if waiting.charged_since else None,
        next_charge=Money(waiting.next_cents) if waiting.next_cents else None,
        next_at=waiting.next_at,
        withdrawal=Money(withdrawal.cents) if withdrawal else None,
        earlier=tuple(
            EarlierWithdrawal(
                on=earlier.on,
                amount=Money(earlier.cents),
                reader_id=earlier.reader_id,
                same_reader=earlier.reader_id == request.reader_id,
            )
            for earlier in (withdrawal.earlier if withdrawal else ())
        ),
        stands=_stands(waiting.about),
    )
