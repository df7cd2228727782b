"""Write a mail: a row, in the transaction that causes it. Sending is somebody else's work."""

from dataclasses import asdict
from datetime import datetime, timedelta

from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, select

from billing import ids
from billing.mail.models import Message, MessageState
from emails import Message as Words

RECEIPT_LIFE = timedelta(days=14)
"""How long we go on trying to deliver what must arrive: a tax invoice is due within 21 days (VAT-7)."""


def queue(
    session: Session,
    words: Words,
    *,
    key: str,
    to: str,
    reader_id: str | None,
    at: datetime,
    expires_at: datetime,
) -> bool:
    """Queue a mail unless its key has been used: the same fact is told once. Whether it was new.

    After `expires_at` it is not sent any more, because it would say something untrue."""
    row = insert(Message).values(
        id=ids.new("msg", at),
        key=key,
        kind=words.kind,
        reader_id=reader_id,
        recipient=to,
        fields=asdict(words),
        state=MessageState.QUEUED,
        created_at=at,
        try_at=at,
        expires_at=expires_at,
        tries=0,
    )
    written = session.execute(row.on_conflict_do_nothing(index_elements=["key"]).returning(col(Message.id)))
    return written.first() is not None


def accepted_at(session: Session, key: str) -> datetime | None:
    """When the relay took the mail with this key; None while it hasn't."""
    return session.exec(select(Message.accepted_at).where(Message.key == key)).first()
