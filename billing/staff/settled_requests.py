"""Requests that wait for nobody: answered, closed without a mail, or settled by an act."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, select

from billing.staff import request_steps, threads
from billing.staff.models import ReaderRequest, RequestKind


@dataclass(frozen=True, slots=True)
class SettledRequest:
    """A request, and what settled it last: when, by whom, and in which words. `what` follows the name of who did it."""

    request: ReaderRequest
    at: datetime
    by: str
    what: str
    words: str


def settled(
    session: Session, *, kind: RequestKind | None = None, before: str = "", limit: int
) -> list[SettledRequest]:
    """Those that came last first, perhaps of a kind. `before`: the id of the last one of the page before."""
    query = select(ReaderRequest).where(col(ReaderRequest.waits_since).is_(None))
    if kind is not None:
        query = query.where(ReaderRequest.kind == kind)
    if before:
        query = query.where(col(ReaderRequest.id) < before)
    return in_words(session, session.exec(query.order_by(col(ReaderRequest.id).desc()).limit(limit)).all())


def in_words(session: Session, requests: Sequence[ReaderRequest]) -> list[SettledRequest]:
    """What settled each of these requests, none of which waits."""
    ids = [request.id for request in requests]
    answers, closings = threads.last_answers(session, ids), request_steps.last_closings(session, ids)
    rows = []
    for request in requests:
        answer, closing = answers.get(request.id), closings.get(request.id)
        if closing is not None and (answer is None or answer.at <= closing.at):
            row = SettledRequest(request, closing.at, closing.by, "closed it without a mail", closing.words)
        elif answer is not None:
            row = SettledRequest(request, answer.at, answer.by, "answered it", answer.words)
        else:
            at, by = request.closed_at or request.received_at, request.closed_by or ""
            row = SettledRequest(request, at, by, "closed it", request.closing_act or "")
        rows.append(row)
    return rows
