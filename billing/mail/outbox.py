"""Queues mails: a row each, in the transaction that causes it. `deliver` sends them later."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import NamedTuple

import sqlalchemy as sa
from sqlmodel import Session, col, select

from billing.mail import obsolete
from billing.mail.models import Message, MessageState
from billing.platform import bulk, ids
from billing.rules.addresses import is_erased
from emails import Mail, store

RECEIPT_LIFE = timedelta(days=14)
"""How long a mail that must arrive is retried: a tax invoice is due within 21 days (VAT-7)."""


@dataclass(frozen=True, slots=True)
class NewMessage:
    """A mail to queue once for its key. It isn't sent after `expires_at`, nor once what it is `about` makes it untrue (see
    `obsolete`)."""

    mail: Mail
    key: str
    to: str
    reader_id: str | None
    expires_at: datetime
    about: str | None = None
    language: str | None = None
    """The code of its language, where its reader has chosen none. None: the publication's own."""


def queue(session: Session, message: NewMessage, at: datetime) -> None:
    """Queue a mail, unless one with its key exists that wasn't taken back."""
    queue_all(session, [message], at)


def queue_all(session: Session, messages: Sequence[NewMessage], at: datetime) -> list[NewMessage]:
    """Queue mails together, none to an erased reader. Returns those that were new. What is still owed to a reader who has died
    goes to their correspondent; other mail to them is stopped when it would be sent (see `suppressions`)."""
    messages = [message for message in messages if not is_erased(message.to)]
    if not messages:
        return []
    known = _known_readers(session, messages)
    messages = [_to_correspondent(message, known) for message in messages]
    rows = [
        {
            "id": ids.new("msg", at),
            "key": message.key,
            "kind": message.mail.kind,
            "reader_id": message.reader_id,
            "recipient": message.to,
            "language": _language(message, known),
            "about": message.about,
            "fields": store(message.mail),
            "state": MessageState.QUEUED,
            "created_at": at,
            "next_attempt_at": at,
            "expires_at": message.expires_at,
            "tries": 0,
        }
        for message in messages
    ]
    obsolete.free_keys(session, [message.key for message in messages if message.about is not None])
    new = bulk.insert(session, Message, rows, unless="key")
    queued = {
        str(row["id"]): message for row, message in zip(rows, messages, strict=True) if row["id"] in new
    }
    obsolete.replace_older(session, [id_ for id_, message in queued.items() if message.mail.only_newest])
    return list(queued.values())


class _KnownReader(NamedTuple):
    """What decides about mail to a reader: the language they keep, and where they have died, whom to write to."""

    language: str | None
    correspondent: str | None


def _known_readers(session: Session, messages: Sequence[NewMessage]) -> dict[str | None, _KnownReader]:
    """By the reader's id, those of whom there is something to know. Mail is below the readers' room, so it asks their tables by
    name."""
    readers = sorted({message.reader_id for message in messages if message.reader_id is not None})
    if not readers:
        return {}
    rows = session.connection().execute(_KNOWN, {"readers": readers}).all()
    return {row.id: _KnownReader(row.language, row.correspondent_email) for row in rows}


def _language(message: NewMessage, known: dict[str | None, _KnownReader]) -> str | None:
    reader = known.get(message.reader_id)
    return (reader and reader.language) or message.language


def _to_correspondent(message: NewMessage, known: dict[str | None, _KnownReader]) -> NewMessage:
    reader = known.get(message.reader_id)
    if reader is None or reader.correspondent is None or not message.mail.to_correspondent:
        return message
    return replace(message, to=reader.correspondent)


_KNOWN = sa.text(
    "SELECT r.id, r.language, d.correspondent_email FROM reader r"
    " LEFT JOIN deceased_reader d ON d.reader_id = r.id AND d.taken_back_at IS NULL"
    " WHERE r.id = ANY(:readers) AND (r.language IS NOT NULL OR d.id IS NOT NULL)"
)


def accepted_at(session: Session, key: str) -> datetime | None:
    """When the relay accepted the mail with this key; None until then, and for a mail that was taken back."""
    return session.exec(select(Message.accepted_at).where(Message.key == key)).first()


def lock_unsent(session: Session, key: str) -> Message | None:
    """Lock the mail with this key while it may still be changed, because no relay can have seen it; None later.

    After an attempt without an answer the relay may have it, and the same Message-ID counts as the same mail (S3)."""
    return session.exec(
        select(Message)
        .where(
            Message.key == key,
            Message.state == MessageState.QUEUED,
            Message.tries == 0,
            col(Message.claimed_by).is_(None),
        )
        .with_for_update()
        .execution_options(populate_existing=True)  # the session's copy may be older than the lock
    ).first()
