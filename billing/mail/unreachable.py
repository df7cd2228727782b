"""Addresses that refuse our mail: for good, or again and again while others' mail goes out. Our own faults are none of theirs."""

from collections.abc import Collection
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlmodel import Session, col, select

from billing.mail.models import NOT_WRITTEN, STOPPED, Message, MessageState

_TIME_IN_ID = len("msg_") + 10
"""Letters at the beginning of a mail's id that say when it was written."""
LONG_ENOUGH = timedelta(hours=12)
"""How long a mail must have been true for temporary refusals to say something of its address: a greylist takes it by then."""
_SAYS_SOMETHING = sa.and_(
    col(Message.state) != MessageState.QUEUED,
    sa.or_(
        col(Message.state) != MessageState.EXPIRED,
        col(Message.expires_at) - col(Message.created_at) >= LONG_ENOUGH,
    ),
)
"""It has come to an end, and was tried for long enough."""


def refused(session: Session, keys: Collection[str]) -> bool:
    """Whether one of the mails with these keys was refused by its address: the others don't stand in for it."""
    ended = select(Message).where(col(Message.key).in_(keys), _SAYS_SOMETHING)
    return any(_was_refused(session, one) for one in session.exec(ended))


def last_refused(session: Session, keys: Collection[str]) -> bool:
    """Whether the last of the mails with these keys that has come to an end was refused by its address."""
    return _last_was_refused(session, col(Message.key).in_(keys))


def refuses(session: Session, reader_id: str, address: str) -> bool:
    """Whether the last mail to this reader's address that has come to an end was refused by it."""
    return _last_was_refused(session, col(Message.reader_id) == reader_id, col(Message.recipient) == address)


def _last_was_refused(session: Session, *which: sa.ColumnElement[bool]) -> bool:
    last = select(Message).where(_SAYS_SOMETHING, *which).order_by(col(Message.id).desc()).limit(1)
    found = session.exec(last).first()
    return found is not None and _was_refused(session, found)


def _was_refused(session: Session, message: Message) -> bool:
    """By a 5xx answer; by staff, who stopped all mail there; or by 4xx answers for as long as it was true, in which another
    address took mail: then the relay was well. A mail that we couldn't write never came to it."""
    answer = message.last_answer or ""
    if message.state is MessageState.REFUSED:
        return not answer.startswith("0 ") or answer == f"0 {STOPPED}"
    unsent = not message.tries or answer.startswith(NOT_WRITTEN)
    if message.state is not MessageState.EXPIRED or unsent:
        return False
    other = select(Message.id).where(
        Message.id >= message.id[:_TIME_IN_ID],  # the key's order is that of time, so few rows are looked at
        col(Message.accepted_at).between(message.created_at, message.expires_at),
        Message.recipient != message.recipient,
    )
    return session.exec(other.limit(1)).first() is not None


def send_elsewhere(session: Session, reader_id: str, address: str, at: datetime) -> None:
    """Send the reader's mails that are still true to another address: those that were refused, and those that wait. One in a
    worker's hands is taken from it: what the old address answers no longer counts."""
    session.execute(
        sa.update(Message)
        .where(
            col(Message.reader_id) == reader_id,
            col(Message.state).in_((MessageState.REFUSED, MessageState.QUEUED)),
            col(Message.expires_at) > at,
            col(Message.recipient) != address,
        )
        .values(recipient=address, state=MessageState.QUEUED, try_at=at, claimed_by=None),
        execution_options={"synchronize_session": False},
    )
