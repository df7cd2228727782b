"""The answers that members send often: one page to write and change them, and one press that puts one into an answer."""

from typing import Annotated

from fastapi import APIRouter, Form
from starlette.responses import Response

from billing.platform.errors import Refusal
from billing.platform.storable import storable
from billing.rules.canned_answers import FIELDS
from billing.staff import canned_answers, requests
from billing.staff.answer_requests import RequestAnswerTooLong, refuse_too_long
from billing.web.kit.typed import LINES
from billing.web.reader.contact import Unreadable
from billing.web.staff.requests import Acting, AnswerWords, Seeing, TypedOnRequest, request_page
from billing.web.views.staff_answers import CannedAnswerRow, StaffAnswersPage

router = APIRouter(include_in_schema=False)
ROOM = "/staff/answers"
Title = Annotated[str, Form(max_length=200)]
Words = Annotated[str, Form(max_length=4000), LINES]


@router.get(ROOM)
def show_all(visit: Seeing) -> Response:
    """All of them, and a form for another."""
    return visit.page(_view(visit))


def _view(
    visit: Seeing, answer_id: str | None = None, title: str = "", words: str = "", error: str | None = None
) -> StaffAnswersPage:
    """`answer_id`: the one whose change was refused; None: a new one's."""
    with visit.read() as ctx:
        rows = [(row.id, row.title, row.words) for row in canned_answers.kept(ctx.session)]
    shown = [
        CannedAnswerRow(
            answer_id=id_,
            title=title if id_ == answer_id else kept,
            words=words if id_ == answer_id else text,
        )
        for id_, kept, text in rows
    ]
    return StaffAnswersPage(
        rows=tuple(shown),
        fields=tuple(FIELDS.items()),
        changed=answer_id,
        title="" if answer_id else title,
        words="" if answer_id else words,
        error=error,
    )


@router.post(ROOM)
def add(visit: Acting, title: Title = "", words: Words = "") -> Response:
    """Keep another one."""
    return _save(visit, None, title, words)


@router.post(f"{ROOM}/{{answer_id}}")
def change(visit: Acting, answer_id: str, title: Title = "", words: Words = "") -> Response:
    """Change one."""
    return _save(visit, answer_id, title, words)


def _save(visit: Acting, answer_id: str | None, title: str, words: str) -> Response:
    try:
        if not storable([title, words]):
            raise Unreadable
        with visit.begin() as ctx:
            canned_answers.save(ctx, answer_id, title, words)
    except Refusal as refusal:
        if refusal.status == 404:
            raise
        return visit.page(_view(visit, answer_id, title, words, refusal.detail), refusal.status)
    return visit.go(ROOM, "staff-saved")


@router.post(f"{ROOM}/{{answer_id}}/remove")
def remove(visit: Acting, answer_id: str) -> Response:
    """Take one off the list."""
    with visit.begin() as ctx:
        canned_answers.remove(ctx, answer_id)
    return visit.go(ROOM, "staff-saved")


@router.post("/staff/requests/{request_id}/fill")
def fill(
    visit: Acting,
    request_id: str,
    words: AnswerWords = "",
    canned: Annotated[str, Form(max_length=60)] = "",
) -> Response:
    """Put an answer, with its fields filled in, below what is typed already. Nothing is sent. What is too long together comes back
    as a draft to shorten; nothing is put below what is too long by itself."""
    draft, error = words.replace("\0", ""), None
    with visit.begin() as ctx:
        request = requests.one(ctx.session, request_id)
        try:
            refuse_too_long(draft)
            answer = canned_answers.filled(ctx, canned, request, visit.services.publisher.house.name)
            draft = f"{draft.rstrip()}\n\n{answer}".strip()
            refuse_too_long(draft)
        except (canned_answers.UnknownAnswer, RequestAnswerTooLong) as refusal:
            error = refusal.detail
        view = request_page(visit, ctx, request_id, TypedOnRequest(draft=draft, error=error))
    return visit.page(view, 422 if error else 200)
