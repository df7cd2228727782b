"""Write a mail: a row, in the transaction that causes it. Sending is somebody else's work."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session, select

from billing import ids, many
from billing.mail.models import Message, MessageState
from emails import Message as Words

RECEIPT_LIFE = timedelta(days=14)
"""How long we go on trying to deliver what must arrive: a tax invoice is due within 21 days (VAT-7)."""


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail to write: its words, the key under which it is written once, to whom, and when it would become untrue."""

    words: Words
    key: str
    to: str
    reader_id: str | None
    expires_at: datetime


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
    return queue_all(session, [Letter(words, key, to, reader_id, expires_at)], at) == 1


def queue_all(session: Session, letters: Sequence[Letter], at: datetime) -> int:
    """Queue any number of mails in one statement; how many were new."""
    rows = [
        {
            "id": ids.new("msg", at),
            "key": letter.key,
            "kind": letter.words.kind,
            "reader_id": letter.reader_id,
            "recipient": letter.to,
            "fields": dict(vars(letter.words)),
            "state": MessageState.QUEUED,
            "created_at": at,
            "try_at": at,
            "expires_at": letter.expires_at,
            "tries": 0,
        }
        for letter in letters
    ]
    return len(many.insert(session, Message, rows, unless="key"))


def accepted_at(session: Session, key: str) -> datetime | None:
    """When the relay took the mail with this key; None while it hasn't."""
    return session.exec(select(Message.accepted_at).where(Message.key == key)).first()
