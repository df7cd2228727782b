"""The outbox."""

from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from billing.platform.db import enum_column


class MessageState(StrEnum):
    """How far a mail has come."""

    QUEUED = "queued"
    ACCEPTED = "accepted"
    """The relay answered 250. That, and nothing else, counts as told."""
    REFUSED = "refused"
    EXPIRED = "expired"
    """Its time was over before it could be delivered."""
    OBSOLETE = "obsolete"
    """Taken back before it was sent, because it had become untrue (see `mail/obsolete`). It counts as never told."""


URGENT_KIND = "sign_in_link"
"""The kind of mail that signs somebody in: it is sent before receipts, of which a morning may bring thousands, and leaves a
database that isn't adopted too."""
URGENT = f"kind = '{URGENT_KIND}'"
"""The same, as a condition in SQL."""


STOPPED = "the staff have stopped all mail to this address"
"""The answer that stands at a mail which was not sent because of that."""


NOT_WRITTEN = "not written: "
"""How the answer begins that stands at a mail which couldn't be put into words. It waits, and is tried again."""
UNWRITTEN = f"state = 'queued' AND last_answer LIKE '{NOT_WRITTEN}%'"
"""Mails that wait for that."""


class Message(SQLModel, table=True):
    """A mail that must go out once, written in the transaction that caused it."""

    __table_args__ = (
        sa.Index("message_due", "try_at", "id", postgresql_where=sa.text("state = 'queued'")),
        sa.Index(
            "message_urgent", "try_at", "id", postgresql_where=sa.text(f"state = 'queued' AND {URGENT}")
        ),
        sa.Index("message_to", "reader_id", "id"),
        sa.Index("message_waiting", "about", postgresql_where=sa.text("state = 'queued'")),
        sa.Index("message_refused", "expires_at", postgresql_where=sa.text("state = 'refused'")),
        sa.CheckConstraint(
            "(state = 'accepted') = (accepted_at IS NOT NULL)", name="accepted_has_its_moment"
        ),
    )

    id: str = Field(primary_key=True)
    key: str = Field(unique=True)
    """What this mail is: the same fact never writes twice, for instance `receipt:inv_…`."""
    kind: str
    reader_id: str | None = Field(default=None, foreign_key="reader.id")
    recipient: str
    about: str | None = None
    """The id of what decides whether its words are still true: a subscription, a link, a question asked. Documents need none."""
    fields: dict[str, Any] = Field(sa_column=sa.Column(JSONB, nullable=False))
    """The words' facts. Secrets stand here as places only (see `billing.platform.tokens`)."""
    state: MessageState = Field(sa_column=enum_column(MessageState))
    created_at: datetime
    try_at: datetime
    expires_at: datetime
    """After this it would say something untrue, so it isn't sent."""
    tries: int = Field(default=0)
    claimed_by: int | None = None
    last_answer: str | None = None
    accepted_at: datetime | None = None


class SuppressionReason(StrEnum):
    """Why nothing is sent to an address."""

    HARD_BOUNCE = "hard_bounce"
    SOFT_BOUNCES = "soft_bounces"
    COMPLAINT = "complaint"
    STAFF = "staff"
    REGISTER = "register"
    """The national register of people who want no direct marketing (C4)."""


class Suppression(SQLModel, table=True):
    """An address to which some or all mail isn't sent. Kept as a keyed hash; never deleted, only lifted (B6)."""

    __table_args__ = (
        sa.Index(
            "one_standing_suppression",
            "address_digest",
            "scope",
            unique=True,
            postgresql_where=sa.text("lifted_at IS NULL"),
        ),
    )

    id: str = Field(primary_key=True)
    address_digest: str
    scope: str
    """`all`, `newsletters`, or one list as `newsletter:<id>`. Receipts and notices know only `all`."""
    reason: SuppressionReason = Field(sa_column=enum_column(SuppressionReason))
    source: str
    """What said so: a report's name, or who on the staff."""
    at: datetime
    lifted_at: datetime | None = None
    lifted_by: str | None = None
