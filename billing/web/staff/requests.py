"""The requests of readers: oldest first, with the rand at risk, and staff's answers."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Form, Query
from starlette.responses import Response

from billing.platform.context import TransactionContext
from billing.platform.storable import storable
from billing.rules.ages import age_in_words
from billing.rules.lifecycle import State
from billing.rules.money import Money
from billing.staff import (
    answer_requests,
    canned_answers,
    confirm_request,
    reads,
    request_steps,
    request_work,
    requests,
    settled_requests,
    threads,
)
from billing.staff.canned_fields import FieldLeft
from billing.staff.models import ReaderRequest, RequestKind
from billing.staff.roles import Permission
from billing.subscriptions.models import Subscription
from billing.web.kit.typed import LINES
from billing.web.reader.contact import Unreadable
from billing.web.reader.own_requests import thread_message
from billing.web.staff.guard import StaffVisit, needs
from billing.web.views.staff_requests import (
    EarlierWithdrawal,
    RequestRow,
    SettledRow,
    StaffRequestPage,
    StaffRequestsPage,
    StaffSettledPage,
    StepRow,
)

router = APIRouter(include_in_schema=False)
Seeing = Annotated[StaffVisit, needs(Permission.ANSWER)]
Acting = Annotated[StaffVisit, needs(Permission.ANSWER, acts=True)]
AnswerWords = Annotated[str, Form(), LINES]
"""Without a `max_length`, which would refuse a long answer with a page of errors that has lost the draft. A browser's `maxlength` looks at
what is typed only, not at what "Put it in" put there. The server takes no large body anyway."""
PAGE = 50
NOBODY = "nobody"
ALL_KINDS = tuple((kind.value, kind.words) for kind in RequestKind)


@dataclass(frozen=True, slots=True)
class TypedOnRequest:
    """What was typed on a request's page, and why it wasn't taken."""

    draft: str = ""
    note: str = ""
    closing: str = ""
    error: str | None = None


@router.get("/staff/requests")
def show_all(
    visit: Seeing,
    whose: Literal["mine", "nobody"] | None = None,
    kind: RequestKind | None = None,
    state: Literal["waiting", "settled"] = "waiting",
    after: Annotated[str, Query(max_length=60)] = "",
) -> Response:
    """The requests that wait: all, or those of a kind, the member's own or nobody's; or those that are answered or closed, all or of
    a kind. `after`: the last one of the page before."""
    if state == "settled":
        return visit.page(_settled(visit, kind, after))
    claimed = {"mine": visit.member.id, NOBODY: "", None: None}[whose]
    with visit.begin() as ctx:
        rows = requests.waiting(ctx, kind=kind, claimed_by=claimed, after=_place(after), limit=PAGE + 1)
        reads.note_rows(ctx, "GET /staff/requests", len(rows[:PAGE]))
    query = {"whose": whose, "kind": kind.value if kind else None}
    more = {**query, "after": _mark(rows[PAGE - 1].request)} if len(rows) > PAGE else {}
    view = StaffRequestsPage(
        rows=tuple(request_row(waiting) for waiting in rows[:PAGE]),
        whose=whose,
        kind=query["kind"],
        kinds=ALL_KINDS,
        more=_further(more),
    )
    return visit.page(view)


def _further(query: Mapping[str, str | None]) -> str | None:
    """The address of the next page; None for no query."""
    given = {name: value for name, value in query.items() if value}
    return f"/staff/requests?{urlencode(given)}" if given else None


def _settled(visit: StaffVisit, kind: RequestKind | None, after: str) -> StaffSettledPage:
    before = after if after.startswith("req_") else ""
    with visit.begin() as ctx:
        found = settled_requests.settled(ctx.session, kind=kind, before=before, limit=PAGE + 1)
        rows = tuple(_settled_row(row) for row in found[:PAGE])
        reads.note_rows(ctx, "GET /staff/requests", len(rows))
    of_kind = kind.value if kind else None
    more = {"state": "settled", "kind": of_kind, "after": rows[-1].request_id} if len(found) > PAGE else {}
    return StaffSettledPage(rows=rows, kind=of_kind, kinds=ALL_KINDS, more=_further(more))


def _settled_row(row: settled_requests.SettledRequest) -> SettledRow:
    return SettledRow(
        request_id=row.request.id,
        reader_id=row.request.reader_id,
        email=row.request.email,
        asked=row.request.kind.words,
        words=row.request.words,
        received_at=row.request.received_at,
        settled_at=row.at,
        by=row.by,
        what=row.what,
        answer=row.words,
    )


def _mark(request: ReaderRequest) -> str:
    """Where the next page begins."""
    return f"{request.waits_since.isoformat()}~{request.id}" if request.waits_since else ""


def _place(after: str) -> tuple[datetime, str] | None:
    """What `_mark` wrote; None, which is the first page, for anything else."""
    since, _, request_id = after.partition("~")
    try:
        found = datetime.fromisoformat(since)
    except ValueError:
        return None
    return (found, request_id) if found.utcoffset() is not None else None


@router.get("/staff/requests/{request_id}")
def show(visit: Seeing, request_id: str) -> Response:
    """One request, also one from an address that we don't know."""
    with visit.begin() as ctx:
        return visit.page(request_page(visit, ctx, request_id, TypedOnRequest()))


def request_page(
    visit: StaffVisit, ctx: TransactionContext, request_id: str, typed: TypedOnRequest
) -> StaffRequestPage:
    """The page of a request, with what was typed on it."""
    request = requests.one(ctx.session, request_id)
    recipient, row = answer_requests.recipient_of(ctx, request), request_row(requests.at_risk(ctx, request))
    return StaffRequestPage(
        row=replace(row, may_ask=row.may_ask and recipient.correspondent is None),
        answer_goes=answer_goes(recipient),
        nobody_reads=nobody_reads(recipient),
        messages=tuple(
            replace(thread_message(row), by=row.by) for row in threads.messages(ctx.session, request.id)
        ),
        steps=tuple(
            StepRow(at=row.at, by=row.by, what=row.kind.words, words=row.words)
            for row in request_steps.of_request(ctx.session, request.id)
        ),
        is_mine=request.claimed_by_id == visit.member.id,
        holder_id=request.claimed_by_id or "",
        kind=request.kind.value,
        kinds=_kinds(request),
        answers=tuple((row.id, row.title) for row in canned_answers.kept(ctx.session)),
        may_close=request_work.may_close(ctx.session, request),
        closed_at=request.closed_at,
        closed_by=request.closed_by,
        closing_act=request.closing_act,
        draft=typed.draft,
        note=typed.note,
        closing=typed.closing,
        error=typed.error,
    )


def answer_goes(to: answer_requests.AnswerRecipient) -> str:
    """Where an answer goes, in words that follow “Your answer”."""
    if to.correspondent is not None:
        return f"goes by mail to {to.correspondent}, {to.email}, as the reader has died"
    if to.is_mailed:
        return f"goes by mail to {to.email}"
    return f"isn’t mailed, as mail to {to.email} is stopped; the reader sees it in the account"


def nobody_reads(to: answer_requests.AnswerRecipient) -> str:
    """Why nobody would read an answer; empty where somebody does."""
    if to.gets_it:
        return ""
    who = (
        f"The reader has died, and mail to {to.correspondent}, "
        if to.correspondent is not None
        else "Mail to "
    )
    return f"{who}{to.email} is stopped: nobody would read an answer. Close the request without a mail."


def _kinds(request: ReaderRequest) -> tuple[tuple[str, str], ...]:
    """What the request may be said to be about: nothing else, where it is to cancel or to withdraw."""
    if request.kind not in request_work.KINDS:
        return ()
    return tuple((kind.value, kind.words) for kind in request_work.KINDS)


@router.post("/staff/requests/{request_id}/ask-to-confirm")
def ask_to_confirm(visit: Acting, request_id: str) -> Response:
    """Mail the reader a link that confirms the request."""
    with visit.begin() as ctx:
        confirm_request.ask(ctx, request_id)
    return visit.go(f"/staff/requests/{request_id}", "staff-asked")


@router.post("/staff/requests/{request_id}/answer")
def answer(visit: Acting, request_id: str, words: AnswerWords = "") -> Response:
    """Answer in the thread and by mail. If two members do so at once, the second sees the first one's answer."""
    try:
        if not storable([words]):
            raise Unreadable
        with visit.begin() as ctx:
            request = answer_requests.answer(ctx, request_id, words)
            reader_id, to = request.reader_id, answer_requests.recipient_of(ctx, request)
    except (
        requests.NothingSaid,
        requests.CardNumberIn,
        requests.AlreadyClosed,
        answer_requests.RequestAnswerTooLong,
        answer_requests.NobodyReadsIt,
        FieldLeft,
        Unreadable,
    ) as refusal:
        with visit.begin() as ctx:
            view = request_page(visit, ctx, request_id, TypedOnRequest(draft=words, error=refusal.detail))
        return visit.page(view, refusal.status)
    done = "staff-answered" if to.is_mailed else "staff-saved"
    return visit.go(f"/staff/readers/{reader_id}" if reader_id else "/staff/requests", done)


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
        age=age_in_words(waiting.waits_for),
        claimed_by=waiting.holder,
        claimed_at=request.claimed_at,
        may_ask=confirm_request.may_ask(request),
        complained=Money(waiting.complained) if waiting.complained else None,
        complained_at=waiting.complained_at,
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
