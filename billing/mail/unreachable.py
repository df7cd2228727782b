"""Addresses that refuse our mail: permanently, or for long while other mail goes out. Our own faults don't count."""

from collections.abc import Collection
from dataclasses import dataclass, fields
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Session, col, select

from billing.mail.models import NOT_WRITTEN, STOPPED_ANSWER, Message, MessageState
from billing.platform.claims import unclaimed
from billing.platform.read_together import Rows, read_rows

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


@dataclass(frozen=True, slots=True)
class Attempted:
    """A conclusive mail: what became of it."""

    id: str
    recipient: str
    state: MessageState
    created_at: datetime
    expires_at: datetime
    tries: int
    last_answer: str | None


def refused(session: Session, keys: Collection[str]) -> bool:
    """Whether an address refused any mail with one of these keys."""
    return any_refused(session, read_rows(session, _WITH_KEYS, keys=list(keys)))


def last_refused(session: Session, keys: Collection[str]) -> bool:
    """Whether an address refused the last conclusive mail with one of these keys."""
    return any_refused(session, read_rows(session, _LAST_WITH_KEYS, keys=list(keys)))


def refuses(session: Session, reader_id: str, address: str) -> bool:
    """Whether the reader's address refused the last conclusive mail to it."""
    return any_refused(session, read_rows(session, LAST_TO, reader_id=reader_id, address=address))


_ATTEMPTED = sa.select(*(getattr(Message, field.name) for field in fields(Attempted))).where(_CONCLUSIVE)
_WITH_KEYS = _ATTEMPTED.where(col(Message.key) == sa.any_(sa.bindparam("keys", type_=ARRAY(sa.Text))))
_LAST_WITH_KEYS = _WITH_KEYS.order_by(col(Message.id).desc()).limit(1)
LAST_TO = (
    _ATTEMPTED.where(
        col(Message.reader_id) == sa.bindparam("reader_id"), col(Message.recipient) == sa.bindparam("address")
    )
    .order_by(col(Message.id).desc())
    .limit(1)
)
"""The query of the last conclusive mail to `:address`, the one of `:reader_id`; `any_refused` takes its rows."""


def any_refused(session: Session, rows: Rows) -> bool:
    """Whether an address refused any of these mails."""
    return any(_was_refused(session, Attempted(*row)) for row in rows)


def _was_refused(session: Session, message: Attempted) -> bool:
    """By a 5xx answer about the mailbox; by staff, who stopped all mail there; or by other refusals until it expired, while another
    address accepted mail, so the relay worked. A mail that we couldn't render doesn't count."""
    answer = message.last_answer or ""
    if message.state is MessageState.REFUSED:
        return not answer.startswith("0 ") or answer == STOPPED_ANSWER
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


def send_elsewhere(
    session: Session,
    reader_id: str,
    address: str,
    at: datetime,
    *,
    but: Collection[str] = (),
    also_claimed: bool = False,
) -> None:
    """Send the reader's refused and waiting mails to another address, if they are still valid. Two sorts stay: the kinds in `but`,
    and mails to the correspondent of a reader who has died (see `outbox`).

    A mail that a worker is sending isn't touched. With `also_claimed` the worker loses its claim, and the old address's answer no
    longer counts."""
    redirected = (
        sa.update(Message)
        .where(
            col(Message.reader_id) == reader_id,
            col(Message.state).in_((MessageState.REFUSED, MessageState.QUEUED)),
            col(Message.expires_at) > at,
            col(Message.recipient) != address,
            col(Message.kind).not_in(but),
            _NOT_TO_CORRESPONDENT,
        )
        .values(recipient=address, state=MessageState.QUEUED, next_attempt_at=at, claimed_by=None)
    )
    if not also_claimed:
        redirected = redirected.where(unclaimed(Message.claimed_by))
    session.execute(redirected, execution_options={"synchronize_session": False})


_NOT_TO_CORRESPONDENT = sa.text(
    "NOT EXISTS (SELECT FROM deceased_reader d WHERE d.reader_id = message.reader_id AND d.taken_back_at IS NULL"
    " AND d.correspondent_email = message.recipient)"
)
