"""The table of the outbox."""

from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from billing.platform.db import enum_column
from billing.platform.retention import OF_NO_ACCOUNT


class MessageState(StrEnum):
    """How far a mail has come."""

    QUEUED = "queued"
    ACCEPTED = "accepted"
    """The relay answered 250. Only that counts as delivered."""
    REFUSED = "refused"
    EXPIRED = "expired"
    """Its window closed before it could be delivered."""
    OBSOLETE = "obsolete"
    """Taken back unsent, because it had become untrue (see `mail/obsolete`). It counts as never sent."""


URGENT_KIND = "sign_in_link"
"""Sign-in links are sent before receipts, of which a morning may bring thousands. They are sent from an unadopted database too."""
URGENT = f"kind = '{URGENT_KIND}'"
"""The same, as a condition in SQL."""
STOPPED = "the staff have stopped all mail to this address"
"""The reply recorded for a mail that wasn't sent for this reason."""
STOPPED_ANSWER = f"0 {STOPPED}"
"""The recorded answer: 0 is no code of a relay. Such a mail is refused, and never bounced."""
NOT_WRITTEN = "not written: "
"""How the recorded answer begins for a mail that couldn't be rendered. It waits and is retried."""
UNWRITTEN = f"state = 'queued' AND last_answer LIKE '{NOT_WRITTEN}%'"
"""Mails that wait to be rendered."""


class Message(SQLModel, table=True):
    """A mail that must go out once, queued in the transaction that caused it."""

    __table_args__ = (
        sa.Index("message_due", "next_attempt_at", "id", postgresql_where=sa.text("state = 'queued'")),
        sa.Index(
            *("message_urgent", "next_attempt_at", "id"),
            postgresql_where=sa.text(f"state = 'queued' AND {URGENT}"),
        ),
        sa.Index("message_to", "reader_id", "id"),
        sa.Index("message_waiting", "about", postgresql_where=sa.text("state = 'queued'")),
        sa.Index("message_to_sign_in", "created_at", postgresql_where=sa.text(URGENT)),
        sa.Index("message_of_no_account", "created_at", postgresql_where=sa.text(OF_NO_ACCOUNT)),
        sa.Index("message_refused", "expires_at", postgresql_where=sa.text("state = 'refused'")),
        sa.CheckConstraint(
            "(state = 'accepted') = (accepted_at IS NOT NULL)", name="accepted_has_its_moment"
        ),
    )

    id: str = Field(primary_key=True)
    key: str = Field(unique=True)
    """Names the fact, for instance `receipt:inv_…`, so that no fact is queued twice."""
    kind: str
    reader_id: str | None = Field(default=None, foreign_key="reader.id")
    recipient: str
    language: str | None = None
    """The code of the language in which it is written; empty: the publication's own."""
    about: str | None = None
    """The id of what decides whether it is still true: a subscription, a link, a question. None for documents."""
    fields: dict[str, Any] = Field(sa_column=sa.Column(JSONB, nullable=False))
    """The mail's fields. Secrets stand here as places only (see `billing.platform.tokens`)."""
    state: MessageState = Field(sa_column=enum_column(MessageState))
    created_at: datetime
    next_attempt_at: datetime
    expires_at: datetime
    """Afterwards it would be untrue, so it isn't sent."""
    tries: int = Field(default=0)
    claimed_by: int | None = None
    last_answer: str | None = None
    accepted_at: datetime | None = None
