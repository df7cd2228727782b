"""The thread of a request: after its own words, staff's answers and the reader's replies, oldest first."""

from collections.abc import Sequence
from datetime import datetime
from typing import TypedDict, Unpack

import sqlalchemy as sa
from sqlmodel import Session, col, select

from billing.platform import ids
from billing.platform.actors import ActorKind, acted_by
from billing.platform.context import TransactionContext
from billing.staff.models import ReaderRequest, RequestMessage

LATEST_OF_READER = (
    sa.select(col(ReaderRequest.id), col(ReaderRequest.received_at), col(ReaderRequest.waits_since))
    .where(col(ReaderRequest.reader_id) == sa.bindparam("reader_id"))
    .order_by(col(ReaderRequest.id).desc())
    .limit(1)
)
"""The query of id, time and wait of the newest request of `:reader_id`."""


def of_reader(session: Session, reader_id: str, *, limit: int = 100) -> Sequence[ReaderRequest]:
    """The reader's requests, newest first."""
    query = select(ReaderRequest).where(ReaderRequest.reader_id == reader_id)
    return session.exec(query.order_by(col(ReaderRequest.id).desc()).limit(limit)).all()


def messages(session: Session, request_id: str) -> Sequence[RequestMessage]:
    """The messages of a request, oldest first, without its own words."""
    query = select(RequestMessage).where(RequestMessage.request_id == request_id)
    return session.exec(query.order_by(col(RequestMessage.id))).all()


class MailDetails(TypedDict, total=False):
    """What is kept of a reply by mail besides its words; see the columns of `RequestMessage`."""

    mail_from: str
    mail_from_reader: bool
    attachments: str
    mail_digest: str


def add(
    ctx: TransactionContext, request: ReaderRequest, words: str, **mail: Unpack[MailDetails]
) -> RequestMessage:
    """Store a message of whoever acts. The caller has locked the request."""
    message = RequestMessage(
        id=ids.new("rqm", ctx.at),
        request_id=request.id,
        at=ctx.at,
        words=words,
        **mail,
        **acted_by(ctx.actor),
    )
    ctx.session.add(message)
    ctx.session.flush()
    return message


def last_message(session: Session, request_id: str) -> RequestMessage | None:
    """The newest message of a request."""
    query = select(RequestMessage).where(RequestMessage.request_id == request_id)
    return session.exec(query.order_by(col(RequestMessage.id).desc()).limit(1)).first()


def last_reply(session: Session, request_id: str) -> RequestMessage | None:
    """The reader's newest reply."""
    return last_replies(session, [request_id]).get(request_id)


def last_reply_at(session: Session, request_id: str) -> datetime | None:
    """When the reader last replied; None where they didn't."""
    reply = last_reply(session, request_id)
    return reply.at if reply else None


def last_replies(session: Session, request_ids: Sequence[str]) -> dict[str, RequestMessage]:
    """The reader's newest reply to each of these requests, by its id."""
    return _newest(session, request_ids, col(RequestMessage.actor_kind) == ActorKind.READER)


def last_answers(session: Session, request_ids: Sequence[str]) -> dict[str, RequestMessage]:
    """The newest answer of staff to each of these requests, by its id."""
    return _newest(session, request_ids, col(RequestMessage.actor_kind) != ActorKind.READER)


def _newest(
    session: Session, request_ids: Sequence[str], of: sa.ColumnElement[bool]
) -> dict[str, RequestMessage]:
    messages = (
        select(RequestMessage)
        .where(col(RequestMessage.request_id).in_(request_ids), of)
        .order_by(col(RequestMessage.id))
    )
    return {message.request_id: message for message in session.exec(messages)}
