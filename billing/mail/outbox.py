"""Write a mail: a row, in the transaction that causes it. Sending is somebody else's work."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from billing.mail import obsolete
from billing.mail.models import Message, MessageState
from billing.platform import bulk, ids
from emails import Message as Words
from emails import store

RECEIPT_LIFE = timedelta(days=14)
"""How long we go on trying to deliver what must arrive: a tax invoice is due within 21 days (VAT-7)."""


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail to write: its words, the key under which it is written once, to whom, when its window closes, and the id of what
    it is about (see `obsolete`)."""

    words: Words
    key: str
    to: str
    reader_id: str | None
    expires_at: datetime
    about: str | None = None


def queue(
    session: Session,
    words: Words,
    *,
    key: str,
    to: str,
    reader_id: str | None,
    at: datetime,
    expires_at: datetime,
    about: str | None = None,
) -> bool:
    """Queue a mail unless its key has been used: the same fact is told once, or again where its mail was taken back. Whether it
    was new.

    After `expires_at` it is not sent any more, nor once what it is `about` makes it untrue."""
    return queue_all(session, [Letter(words, key, to, reader_id, expires_at, about)], at) == 1


def queue_all(session: Session, letters: Sequence[Letter], at: datetime) -> int:
    """Queue any number of mails together; how many were new."""
    rows = [
        {
            "id": ids.new("msg", at),
            "key": letter.key,
            "kind": letter.words.kind,
            "reader_id": letter.reader_id,
            "recipient": letter.to,
            "about": letter.about,
            "fields": store(letter.words),
            "state": MessageState.QUEUED,
            "created_at": at,
            "try_at": at,
            "expires_at": letter.expires_at,
            "tries": 0,
        }
        for letter in letters
    ]
    obsolete.free_keys(session, [letter.key for letter in letters if letter.about is not None])
    new = bulk.insert(session, Message, rows, unless="key")
    obsolete.replace_older(
        session,
        [str(row["id"]) for row in rows if row["id"] in new and row["kind"] in obsolete.ONLY_NEWEST],
    )
    return len(new)


def accepted_at(session: Session, key: str) -> datetime | None:
    """When the relay took the mail with this key; None while it hasn't, and for one that was taken back before."""
    return session.exec(select(Message.accepted_at).where(Message.key == key)).first()


def lock_unsent(session: Session, key: str) -> Message | None:
    """The mail with this key, locked, while no relay can have seen it: then what it says may still be changed. None later: a relay
    that answered nothing may have taken it, and what has the same Message-ID counts as the same mail (S3)."""
    return session.exec(
        select(Message)
        .where(
            Message.key == key,
            Message.state == MessageState.QUEUED,
            Message.tries == 0,
            col(Message.claimed_by).is_(None),
        )
        .with_for_update()
        .execution_options(populate_existing=True)
    ).first()
