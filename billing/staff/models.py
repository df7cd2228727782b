"""Tables about staff and what they do."""

from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from billing.platform.actors import ActedBy, ActorKind, ClosedBy
from billing.platform.db import enum_column
from billing.readers.links import MailedLink
from billing.rules.worded import WordedEnum
from billing.staff.roles import Role


class CodeLock(SQLModel):
    """Columns that count wrong codes of an authenticator: of each known browser, and of a member for all other browsers."""

    wrong_codes: int = Field(default=0)
    """Since the last right code, or the last lock."""
    code_locks: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    """Locks since the last right code. Each is longer (`rules/code_locks`)."""
    locked_until: datetime | None = None


class StaffMember(CodeLock, table=True):
    """A member of staff. Never deleted: the audit names them."""

    __tablename__ = "staff_member"
    __table_args__ = (sa.Index("staff_address", sa.text("lower(email)"), unique=True),)

    id: str = Field(primary_key=True)
    email: str
    role: Role = Field(sa_column=enum_column(Role))
    created_at: datetime
    disabled_at: datetime | None = None
    code_nonce: str
    """The authenticator's secret is derived from it and the installation's key (`staff.codes`). A new nonce is a new secret."""
    code_secret: str = Field(default="", sa_column_kwargs={"server_default": ""})
    """That secret, sealed at the first right code; empty before. Only this nonce opens it."""
    enrolled_at: datetime | None = None
    """When the first right code proved that an authenticator has the secret."""
    last_step: int = Field(default=0)
    """The 30-second step of the last code used. A code works once."""


class StaffLink(MailedLink, table=True):
    """A staff member's request to sign in."""

    __tablename__ = "staff_link"
    __table_args__ = (sa.Index("staff_link_made", "created_at"),)

    staff_id: str | None = Field(default=None, foreign_key="staff_member.id")
    """Empty when the address isn't a staff member's."""


class StaffBrowser(CodeLock, table=True):
    """A browser in which a member has signed in with both factors. It has limits of its own, which strangers can't use up."""

    __tablename__ = "staff_browser"
    __table_args__ = (sa.Index("staff_browser_seen", "signed_in_at"),)

    browser_hash: str = Field(primary_key=True)
    """Hash of the browser's own cookie, which outlives a session."""
    staff_id: str = Field(primary_key=True, foreign_key="staff_member.id")
    signed_in_at: datetime
    """The last time. The browser's cookie lasts a year from then."""


class StaffSession(SQLModel, table=True):
    """A browser in which a member is signed in, or is signing in: 30 minutes idle, 12 hours in all (SEC-3)."""

    __tablename__ = "staff_session"
    __table_args__ = (sa.Index("staff_session_begun", "started_at"),)

    id: str = Field(primary_key=True)
    token_hash: str = Field(unique=True)
    staff_id: str = Field(foreign_key="staff_member.id", index=True)
    started_at: datetime
    seen_at: datetime
    complete: bool = Field(default=False)
    """Whether the authenticator's code was given too. Until then the session opens only the page for the code."""
    proved_at: datetime | None = None
    """When the authenticator's code was last given: at the sign-in, or before a sensitive action (SEC-2)."""
    ended_at: datetime | None = None
    ip: str
    device: str


class Outcome(StrEnum):
    """Whether an act was done."""

    DONE = "done"
    REFUSED = "refused"


AUDITED_WORDS = "audited_words(act, reason, subject, before, after)"
"""The words of a line of the audit, as its index has them; a function of the database."""


class AuditLine(ActedBy, table=True):
    """Who did what, when, on whom, why, with what change, from where. Append-only."""

    __tablename__ = "audit_line"
    __table_args__ = (
        sa.Index("audit_line_reader", "reader_id", "id"),
        sa.Index("audit_line_staff", "staff_id", "id"),
        sa.Index("audit_line_at", "at"),
        sa.Index("audit_line_words", sa.text(AUDITED_WORDS), postgresql_using="gin"),
    )

    id: int | None = Field(default=None, primary_key=True)
    at: datetime
    staff_id: str | None = Field(default=None, foreign_key="staff_member.id")
    """Empty for programs and for commands on the machine."""
    act: str
    outcome: Outcome = Field(default=Outcome.DONE, sa_column=enum_column(Outcome))
    reader_id: str | None = Field(default=None, foreign_key="reader.id")
    subject: str | None = None
    """Id of the thing acted on, where it isn't the reader."""
    reason: str = ""
    before: dict[str, Any] = Field(default_factory=dict, sa_column=sa.Column(JSONB, nullable=False))
    after: dict[str, Any] = Field(default_factory=dict, sa_column=sa.Column(JSONB, nullable=False))
    cents: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    """What a member gave back of their own will, or a program with its key. It counts towards the role's limits."""
    days: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    """Days given, likewise."""
    ip: str = ""


class ReaderNote(ActedBy, table=True):
    """A note of staff about a reader. Append-only."""

    __tablename__ = "reader_note"
    __table_args__ = (sa.Index("reader_note_of", "reader_id", "id"),)

    id: str = Field(primary_key=True)
    reader_id: str = Field(foreign_key="reader.id")
    at: datetime
    words: str


class RequestKind(WordedEnum):
    """What a reader asks for; each member's `words` say it to staff."""

    CANCEL = "cancel", "Asked to cancel"
    WRONG_CHARGE = "wrong_charge", "Says a charge is wrong"
    ACCESS = "access", "Can’t sign in or read"
    NEWSLETTER = "newsletter", "Asks about a newsletter"
    WITHDRAW = "withdraw", "Asked to withdraw once more"  # within a year, so staff decide
    OTHER = "other", "Asked something"


class Effect(StrEnum):
    """What a request to cancel did at once."""

    WAITS = "waits"
    """Nothing yet: it waits for staff, like any other request."""
    CANCELLED = "cancelled"
    WAS_CANCELLED = "was_cancelled"
    """Nothing: the subscription had been cancelled already."""
    NOTHING_RUNS = "nothing_runs"
    """Nothing: the signed-in reader has no running subscription. It waits for staff, as they may have another account."""


class ReaderRequest(ClosedBy, table=True):
    """A reader's request that waits for staff. It counts from when it came, not from when staff read it."""

    __tablename__ = "reader_request"
    __table_args__ = (
        sa.Index("reader_request_open", "received_at", postgresql_where=sa.text("closed_at IS NULL")),
        sa.Index(
            "reader_request_waits", "waits_since", "id", postgresql_where=sa.text("waits_since IS NOT NULL")
        ),
        sa.Index("reader_request_of", "reader_id", "id"),
        sa.CheckConstraint("(closed_at IS NULL) = (closed_by_id IS NULL)", name="closed_by_somebody"),
        sa.CheckConstraint("confirmed_at IS NULL OR email_verified", name="confirmed_is_verified"),
        sa.CheckConstraint("closed_at IS NOT NULL OR waits_since IS NOT NULL", name="open_waits"),
        sa.CheckConstraint("(claimed_by_id IS NULL) = (claimed_at IS NULL)", name="claimed_by_somebody"),
    )

    id: str = Field(primary_key=True)
    kind: RequestKind = Field(sa_column=enum_column(RequestKind))
    received_at: datetime
    email: str
    reader_id: str | None = Field(default=None, foreign_key="reader.id")
    subscription_id: str | None = Field(default=None, foreign_key="subscription.id")
    """What it asks to end. To cancel: the subscription that ran when it came. To withdraw: the one withdrawn from."""
    email_verified: bool
    """Whether the reader sent it: signed in, or confirmed by a mailed link since. Otherwise anybody may have typed the address."""
    confirm_asked_at: datetime | None = None
    """When staff last had the link mailed that confirms it."""
    confirmed_at: datetime | None = None
    """When the reader confirmed it by that link."""
    words: str
    ip: str
    device: str
    waits_since: datetime | None
    """Since when the reader waits for an answer: the request's own time, or that of a reply after it was answered. Empty while staff
    owe none."""
    closed_at: datetime | None = None
    """When the request itself was settled: by the first answer, or by an act. A reply to that changes it no more."""
    closing_act: str | None = None
    """The act that settled it, in words for staff. Empty where an answer did."""
    claimed_by_id: str | None = Field(default=None, foreign_key="staff_member.id")
    """The member who has taken it; they keep it when its reader replies."""
    claimed_at: datetime | None = None

    @property
    def signed_in(self) -> bool:
        """Whether the reader was signed in when it came. A request to cancel then had its effect at once."""
        return self.email_verified and self.confirmed_at is None


class RequestMessage(ActedBy, table=True):
    """A message in the thread of a request, after the request's own words: an answer of staff, or a reply: of the reader, who was
    signed in, or by mail. Append-only."""

    __tablename__ = "request_message"
    __table_args__ = (
        sa.Index("request_message_of", "request_id", "id"),
        sa.CheckConstraint("(mail_from IS NULL) = (mail_digest IS NULL)", name="mailed_has_its_sender"),
    )

    id: str = Field(primary_key=True)
    request_id: str = Field(foreign_key="reader_request.id")
    at: datetime
    words: str
    mail_from: str | None = None
    """The From line of a reply that came by mail, which anybody can type. Empty for what was written on our pages."""
    mail_from_reader: bool = Field(default=False, sa_column_kwargs={"server_default": "false"})
    """Whether that was an address of the reader when the mail came. It proves nothing."""
    attachments: str = Field(default="", sa_column_kwargs={"server_default": ""})
    """The names of what was attached to it, parted by commas. The files aren't kept."""
    mail_digest: str | None = Field(default=None, unique=True)
    """Its hash: a mail that is handed to us twice is one reply."""

    @property
    def by_reader(self) -> bool:
        """Whether the reader wrote it."""
        return self.actor_kind is ActorKind.READER
