"""A reader's own requests to staff, each a thread: what they wrote, what staff answered, and their replies."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Form
from starlette.responses import Response

from billing.platform.errors import Invalid
from billing.platform.storable import storable
from billing.readers.models import Reader
from billing.staff import requests, threads
from billing.staff.models import ReaderRequest, RequestMessage
from billing.web.kit.problems import words_of
from billing.web.kit.typed import LINES
from billing.web.kit.visit import Guarded, Visit, Visiting
from billing.web.reader import way
from billing.web.reader.contact import Unreadable
from billing.web.reader.guard import RedirectReader
from billing.web.views.requests import OwnRequestPage, OwnRequestRow, OwnRequestsPage, ThreadMessage
from emails.languages import Text

router = APIRouter(include_in_schema=False)
ROOM = "/account/requests"


def _proved(visit: Visit) -> Reader:
    """The reader who has opened a mailed link in this browser. A trial can be started with another person's address, and what
    that person wrote to us is theirs to read. Raises RedirectReader."""
    if visit.proved_reader is None:
        raise RedirectReader(way.sign_in_first(visit, visit.path))
    return visit.proved_reader


@router.get(ROOM)
def show_all(visit: Visiting) -> Response:
    """All of them, newest first. Raises RedirectReader."""
    with visit.read() as ctx:
        rows = threads.of_reader(ctx.session, _proved(visit).id)
        answers = threads.last_answers(ctx.session, [row.id for row in rows])
    shown = [_row(row, answers[row.id].at if row.id in answers else None) for row in rows]
    return visit.page(OwnRequestsPage(rows=tuple(shown)))


def _row(request: ReaderRequest, answered_at: datetime | None) -> OwnRequestRow:
    return OwnRequestRow(
        request_id=request.id,
        kind=request.kind.value,
        words=request.words,
        received_at=request.received_at,
        waits_since=request.waits_since,
        answered_at=answered_at,
    )


@router.get(f"{ROOM}/{{request_id}}")
def show(visit: Visiting, request_id: str) -> Response:
    """The thread, oldest first, and the form to reply. Raises RedirectReader, UnknownRequest."""
    return visit.page(_thread(visit, request_id))


def _thread(visit: Visit, request_id: str, *, draft: str = "", error: Text | None = None) -> OwnRequestPage:
    with visit.read() as ctx:
        request = requests.own(ctx.session, _proved(visit).id, request_id)
        messages = threads.messages(ctx.session, request.id)
    answered = [message.at for message in messages if not message.by_reader]
    shown = [thread_message(row) for row in messages]
    return OwnRequestPage(
        row=_row(request, answered[-1] if answered else None),
        signed_in=request.email_verified,
        messages=tuple(shown),
        done_at=request.closed_at if request.closing_act else None,
        draft=draft,
        error=error,
    )


def thread_message(row: RequestMessage) -> ThreadMessage:
    """A message of the thread, without the name of who wrote it."""
    return ThreadMessage(
        at=row.at,
        words=row.words,
        by_reader=row.by_reader,
        mail_from=row.mail_from,
        mail_from_reader=row.mail_from_reader,
        attachments=row.attachments,
    )


@router.post(f"{ROOM}/{{request_id}}")
def reply(
    visit: Guarded, request_id: str, words: Annotated[str, Form(max_length=4000), LINES] = ""
) -> Response:
    """Add to the thread. Raises RedirectReader, UnknownRequest, TooMany."""
    with visit.begin() as ctx:  # apart from the reply: what is refused counts too
        reader = _proved(visit)
        requests.own(ctx.session, reader.id, request_id)
        requests.count_tries(ctx, reader, reader.email, visit.ip)
    try:
        if not storable([words]):
            raise Unreadable
        with visit.begin() as ctx:
            requests.reply(ctx, reader.id, request_id, words)
    except Invalid as refusal:
        view = _thread(visit, request_id, draft=words.replace("\0", ""), error=words_of(refusal))
        return visit.page(view, refusal.status)
    return visit.go(f"{ROOM}/{request_id}", "replied")
