"""Queues mails: a row each, in the transaction that causes it. `deliver` sends them later."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

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
    """Queue mails together, none to an erased reader. Returns those that were new."""
    messages = [message for message in messages if not is_erased(message.to)]
    if not messages:
        return []
    chosen = _chosen_languages(session, messages)
    rows = [
        {
            "id": ids.new("msg", at),
            "key": message.key,
            "kind": message.mail.kind,
            "reader_id": message.reader_id,
            "recipient": message.to,
            "language": chosen.get(message.reader_id) or message.language,
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


def _chosen_languages(session: Session, messages: Sequence[NewMessage]) -> dict[str | None, str]:
    """The languages that readers keep, by the reader's id. Mail is below the readers' room, so it asks their table by name."""
    readers = sorted({message.reader_id for message in messages if message.reader_id is not None})
    if not readers:
        return {}
    rows = session.connection().execute(_CHOSEN, {"readers": readers}).all()
    return {row.id: row.language for row in rows}


_CHOSEN = sa.text("SELECT id, language FROM reader WHERE id = ANY(:readers) AND language IS NOT NULL")


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
