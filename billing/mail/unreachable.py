"""Addresses that refuse our mail: permanently, or for long while other mail goes out. Our own faults don't count."""

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlmodel import Session, col, select

from billing.mail.models import NOT_WRITTEN, STOPPED, Message, MessageState

_TIME_IN_ID = len("msg_") + 10
"""Letters of a mail's id that encode when it was queued."""
LONG_ENOUGH = timedelta(hours=12)
"""Temporary refusals count only for mails that were valid for so long: a greylist accepts them by then."""
_CONCLUSIVE = sa.and_(
    col(Message.state) != MessageState.QUEUED,
    sa.or_(
        col(Message.state) != MessageState.EXPIRED,
        col(Message.expires_at) - col(Message.created_at) >= LONG_ENOUGH,
    ),
)
"""It is no longer queued, and was attempted for long enough."""


def refused(session: Session, keys: Collection[str]) -> bool:
    """Whether an address refused any mail with one of these keys."""
    conclusive = sa.select(Message).where(col(Message.key).in_(keys), _CONCLUSIVE)
    return _any_refused(session, session.scalars(conclusive))


def last_refused(session: Session, keys: Collection[str]) -> bool:
    """Whether an address refused the last conclusive mail with one of these keys."""
    last = _LAST.where(col(Message.key).in_(keys))
    return _any_refused(session, session.scalars(last))


def refuses(session: Session, reader_id: str, address: str) -> bool:
    """Whether the reader's address refused the last conclusive mail to it."""
    return _any_refused(session, session.scalars(_LAST_TO, {"reader_id": reader_id, "address": address}))


_LAST = sa.select(Message).where(_CONCLUSIVE).order_by(col(Message.id).desc()).limit(1)
# made once: building a statement takes as long as running it
_LAST_TO = _LAST.where(
    col(Message.reader_id) == sa.bindparam("reader_id"), col(Message.recipient) == sa.bindparam("address")
)


def _any_refused(session: Session, messages: Iterable[Message]) -> bool:
    return any(_was_refused(session, message) for message in messages)


def _was_refused(session: Session, message: Message) -> bool:
    """By a 5xx answer; by staff, who stopped all mail there; or by 4xx answers until it expired, while another address accepted
    mail, so the relay worked. A mail that we couldn't render doesn't count."""
    answer = message.last_answer or ""
    if message.state is MessageState.REFUSED:
        return not answer.startswith("0 ") or answer == f"0 {STOPPED}"
    unsent = not message.tries or answer.startswith(NOT_WRITTEN)
    if message.state is not MessageState.EXPIRED or unsent:
        return False
    other = select(Message.id).where(
        # ids sort by time, so the primary key finds the few rows to read
        Message.id >= message.id[:_TIME_IN_ID],
        col(Message.accepted_at).between(message.created_at, message.expires_at),
        Message.recipient != message.recipient,
    )
    return session.exec(other.limit(1)).first() is not None


def send_elsewhere(session: Session, reader_id: str, address: str, at: datetime) -> None:
    """Send the reader's refused and waiting mails that are still valid to another address. Workers lose their claims on them, so an
    answer of the old address no longer counts."""
    session.execute(
        sa.update(Message)
        .where(
            col(Message.reader_id) == reader_id,
            col(Message.state).in_((MessageState.REFUSED, MessageState.QUEUED)),
            col(Message.expires_at) > at,
            col(Message.recipient) != address,
        )
        .values(recipient=address, state=MessageState.QUEUED, next_attempt_at=at, claimed_by=None),
        execution_options={"synchronize_session": False},
    )
