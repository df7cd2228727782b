"""Tables about newsletters."""

from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from billing.mail.bounces import BounceKind
from billing.platform.db import enum_column


class Audience(StrEnum):
    """Who may receive a newsletter."""

    EVERYONE = "everyone"
    SUBSCRIBERS = "subscribers"


class NewsletterKind(StrEnum):
    """Promotional newsletters are direct marketing, for which the law demands more (C4)."""

    EDITORIAL = "editorial"
    PROMOTIONAL = "promotional"


class Newsletter(SQLModel, table=True):
    """One of the paper's newsletters. Its id is a word in addresses and headers, and never changes."""

    __table_args__ = (
        sa.CheckConstraint("id ~ '^[a-z][a-z0-9-]{0,39}$'", name="id_is_a_word"),
        sa.CheckConstraint(
            "name <> '' AND name || description || rhythm !~ '[\\u0001-\\u001f\\u007f-\\u009f\\u2028\\u2029]'",
            name="words_are_lines",
        ),
    )

    id: str = Field(primary_key=True)
    name: str
    description: str
    rhythm: str
    """When it comes, in words: `Weekdays at six`."""
    audience: Audience = Field(sa_column=enum_column(Audience))
    kind: NewsletterKind = Field(sa_column=enum_column(NewsletterKind))
    position: int
    """Its place on the page."""
    opt_outs_checked_at: datetime | None = None
    """When its readers were last compared with the national opt-out register (C4)."""
    retired_at: datetime | None = None
    """Since when nobody can sign up and no issue goes out. Its list, consents and issues stay."""


class SignupState(StrEnum):
    """The state of a signup."""

    PENDING = "pending"
    """Not yet confirmed by the address. Deleted after a week."""
    CONFIRMED = "confirmed"
    LEFT = "left"


class Signup(SQLModel, table=True):
    """One person on one newsletter's list. Mail to a reader goes to the reader's present address."""

    __table_args__ = (
        sa.Index(
            "one_signup_per_reader",
            "newsletter_id",
            "reader_id",
            unique=True,
            postgresql_where=sa.text("reader_id IS NOT NULL"),
        ),
        sa.Index(
            "one_signup_per_address",
            "newsletter_id",
            "address_key",
            unique=True,
            postgresql_where=sa.text("reader_id IS NULL"),
        ),
        sa.Index("signup_of_reader", "reader_id"),
        sa.Index("signup_of_address", "address_key"),
        sa.Index("signup_pending", "asked_at", postgresql_where=sa.text("state = 'pending'")),
        sa.CheckConstraint("(state = 'pending') = (ask_id IS NOT NULL)", name="pending_has_its_ask"),
    )

    id: str = Field(primary_key=True)
    newsletter_id: str = Field(foreign_key="newsletter.id")
    reader_id: str | None = Field(default=None, foreign_key="reader.id")
    address: str
    """As it was given."""
    address_key: str
    """The mailbox: the address in lower case."""
    state: SignupState = Field(sa_column=enum_column(SignupState))
    ask_id: str | None = Field(default=None, index=True)
    """The mail that asks for confirmation; one for all lists ticked together."""
    asked_at: datetime
    """When the box was ticked. With the fields below it is evidence once it is confirmed (C6)."""
    words: str
    text_version: str
    source: str
    ip: str
    device: str
    changed_at: datetime


class SignupChange(SQLModel, table=True):
    """Evidence of consent: a yes or no to a newsletter, with its text, time and origin (C6). Append-only."""

    __tablename__ = "signup_change"
    __table_args__ = (
        sa.Index("signup_change_of", "address_key", "id"),
        sa.Index("signup_change_of_reader", "reader_id", "id"),
        sa.Index("signup_change_at", "at"),
    )

    id: int | None = Field(default=None, primary_key=True)
    newsletter_id: str = Field(foreign_key="newsletter.id")
    address: str
    address_key: str
    reader_id: str | None = None
    to_state: str
    at: datetime
    source: str
    words: str = ""
    text_version: str = ""
    asked_at: datetime | None = None
    ip: str = ""
    device: str = ""
    message_key: str | None = None
    """Key in the outbox of the double opt-in mail that was confirmed."""


class IssueState(StrEnum):
    """The state of an issue."""

    DRAFT = "draft"
    SCHEDULED = "scheduled"
    SENDING = "sending"
    """Content and recipients are frozen, and workers send it."""
    PAUSED = "paused"
    SENT = "sent"
    STOPPED = "stopped"


class Issue(SQLModel, table=True):
    """One edition of a newsletter. It can be edited until it starts; then its words and recipients are fixed (S10)."""

    __table_args__ = (
        sa.Index("issue_scheduled", "scheduled_at", postgresql_where=sa.text("state = 'scheduled'")),
        sa.Index("issue_sending", "id", postgresql_where=sa.text("state = 'sending'")),
        sa.Index(
            "issue_uncounted",
            "started_at",
            postgresql_where=sa.text("counts IS NULL AND started_at IS NOT NULL"),
        ),
        sa.Index("issue_started_at", "started_at", postgresql_where=sa.text("started_at IS NOT NULL")),
        sa.UniqueConstraint("id", "started_at", name="issue_started"),
        sa.CheckConstraint(
            "state <> 'scheduled' OR scheduled_at IS NOT NULL", name="scheduled_has_its_moment"
        ),
        sa.CheckConstraint(
            "(state IN ('draft', 'scheduled')) = (started_at IS NULL)", name="started_has_its_moment"
        ),
        sa.CheckConstraint("(started_at IS NULL) = (recipients IS NULL)", name="started_is_counted"),
        sa.CheckConstraint("counts IS NULL OR state IN ('sent', 'stopped')", name="counted_is_over"),
    )

    id: str = Field(primary_key=True)
    newsletter_id: str = Field(foreign_key="newsletter.id", index=True)
    state: IssueState = Field(sa_column=enum_column(IssueState))
    subject: str
    preheader: str
    source: str
    """Markdown, with cards and variants (see `newsletters.compose`)."""
    cards: dict[str, Any] = Field(sa_column=sa.Column(JSONB, nullable=False))
    """Its articles as they were when it was saved, so that what the editor saw is sent."""
    version: int = Field(default=1)
    """Counts saves, to detect concurrent edits."""
    author: str
    created_at: datetime
    changed_at: datetime
    changed_by: str
    scheduled_at: datetime | None = None
    started_at: datetime | None = None
    recipients: int | None = None
    """The number of frozen recipients. The counts by state always add up to it."""
    resume_at: datetime | None = None
    """Earliest time to continue after the relay deferred or was away."""
    stalls: int = Field(default=0)
    """Times in a row that the relay couldn't be reached."""
    held_reason: str | None = None
    """Why it waits for a person, in words."""
    finished_at: datetime | None = None
    # `none_as_null`: else None would be the JSON `null`, which isn't NULL to the index and the checks above
    counts: dict[str, Any] | None = Field(
        default=None, sa_column=sa.Column(JSONB(none_as_null=True), nullable=True)
    )
    """Its final numbers, once they are counted (see `newsletters.count_past`). Its deliveries may then be dropped."""


class IssueBody(SQLModel, table=True):
    """One variant of a started issue, rendered once, with marks where a recipient's links go."""

    __tablename__ = "issue_body"

    issue_id: str = Field(primary_key=True, foreign_key="issue.id")
    variant: str = Field(primary_key=True)
    text: str
    html: str


class DeliveryState(StrEnum):
    """The state of one delivery."""

    FROZEN = "frozen"
    SENDING = "sending"
    """Claimed by a worker."""
    DEFERRED = "deferred"
    """Deferred by the relay; retried."""
    SENT = "sent"
    UNCERTAIN = "uncertain"
    """The relay may or may not have it; held for a person to decide (S3)."""
    FAILED = "failed"
    """Not accepted within twelve hours, or refused for a reason other than the recipient."""
    SKIPPED = "skipped"
    BOUNCED = "bounced"
    COMPLAINED = "complained"


OPEN = (DeliveryState.FROZEN, DeliveryState.SENDING, DeliveryState.DEFERRED)


class Delivery(SQLModel, table=True):
    """One recipient of one issue. The primary key makes it unique (S1), as an issue starts once.

    In monthly partitions (see `platform.partitions`): queries that name `started_at` look into one of them."""

    __table_args__ = (
        # deferred, as recipients are frozen before their number is known
        sa.ForeignKeyConstraint(
            ["issue_id", "started_at"],
            ["issue.id", "issue.started_at"],
            deferrable=True,
            initially="DEFERRED",
        ),
        sa.UniqueConstraint("number", "started_at", name="delivery_number"),
        sa.Index(
            "delivery_open",
            "issue_id",
            "next_attempt_at",
            "number",
            postgresql_where=sa.text("state IN ('frozen', 'sending', 'deferred')"),
        ),
        sa.Index("delivery_in_hands", "claimed_by", postgresql_where=sa.text("state = 'sending'")),
        sa.CheckConstraint("(state = 'sending') = (claimed_by IS NOT NULL)", name="sending_is_in_hands"),
        sa.CheckConstraint("(state = 'skipped') = (reason IS NOT NULL)", name="skipped_says_why"),
        {"postgresql_partition_by": "RANGE (started_at)"},
    )

    issue_id: str = Field(primary_key=True)
    address_key: str = Field(primary_key=True)
    started_at: datetime = Field(primary_key=True)
    """The issue's."""
    number: int = Field(sa_column=sa.Column(sa.BigInteger, sa.Identity(always=True), nullable=False))
    """Its name on the wire and in the send log."""
    address: str
    signup_id: str
    """No foreign key: unconfirmed signups are deleted while deliveries are kept."""
    reader_id: str | None = None
    """No foreign key: making and dropping a month's partition would lock all readers."""
    variant: str
    state: DeliveryState = Field(sa_column=enum_column(DeliveryState))
    reason: str | None = None
    """Why it was skipped: `left`, `suppressed`, `address_changed`, `not_subscribed`, `stopped`."""
    tries: int = Field(default=0)
    next_attempt_at: datetime
    claimed_by: int | None = None
    last_answer: str | None = None
    settled_at: datetime | None = None


class SendingRun(SQLModel, table=True):
    """A worker's run, and the place of its send log, for recovery (S2)."""

    __tablename__ = "sending_run"

    number: int = Field(primary_key=True, sa_type=sa.BigInteger)
    place: str
    """The folder of send logs and the boot of that machine; others can't be read here."""
    seen_at: datetime
    """When it began, or its last batch did."""


class BounceRecord(SQLModel, table=True):
    """A bounce or complaint about a delivery, stored once. Evidence for suppressions (B3)."""

    __tablename__ = "bounce_record"
    __table_args__ = (
        sa.Index("bounce_record_from", "address_digest", "at"),
        sa.Index("bounce_record_at", "at"),
    )

    number: int = Field(primary_key=True, sa_type=sa.BigInteger)
    name: str = Field(primary_key=True)
    issue_id: str = Field(foreign_key="issue.id")
    address_digest: str
    kind: BounceKind = Field(sa_column=enum_column(BounceKind))
    status: str
    at: datetime
