"""Tables about staff and what they do."""

from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from billing.platform.actors import ActedBy, ClosedBy
from billing.platform.db import enum_column
from billing.readers.links import MailedLink
from billing.staff.roles import Role


class CodeLock(SQLModel):
    """The columns of what counts wrong codes of an authenticator: a member, for all browsers that aren't known, and each that is."""

    wrong_codes: int = Field(default=0)
    """Since the last right one, or the last lock."""
    code_locks: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    """Locks since the last right code: each is longer (see `rules/code_locks`)."""
    locked_until: datetime | None = None


class StaffMember(CodeLock, table=True):
    """Somebody who works here. Never deleted: what they did names them."""

    __tablename__ = "staff_member"
    __table_args__ = (sa.Index("staff_address", sa.text("lower(email)"), unique=True),)

    id: str = Field(primary_key=True)
    email: str
    role: Role = Field(sa_column=enum_column(Role))
    created_at: datetime
    disabled_at: datetime | None = None
    code_nonce: str
    """The secret of the authenticator is derived from it and the installation's key (see `staff.codes`); a new one is a new secret."""
    code_secret: str = Field(default="", sa_column_kwargs={"server_default": ""})
    """That secret, sealed with the first right code; empty before. It opens for this nonce alone."""
    enrolled_at: datetime | None = None
    """When a first right code showed that an authenticator knows the secret."""
    last_step: int = Field(default=0)
    """The 30-second step of the last code used: a code works once."""


class StaffLink(MailedLink, table=True):
    """One request of a staff member to sign in."""

    __tablename__ = "staff_link"
    __table_args__ = (sa.Index("staff_link_made", "created_at"),)

    staff_id: str | None = Field(default=None, foreign_key="staff_member.id")
    """Empty when the address isn't that of staff."""


class StaffBrowser(CodeLock, table=True):
    """A browser in which a member has signed in with both factors. Strangers can use up neither its mails nor its codes."""

    __tablename__ = "staff_browser"
    __table_args__ = (sa.Index("staff_browser_seen", "signed_in_at"),)

    browser_hash: str = Field(primary_key=True)
    """Of the browser's own cookie, which outlives a session."""
    staff_id: str = Field(primary_key=True, foreign_key="staff_member.id")
    signed_in_at: datetime
    """The last time. A year later the browser has lost its cookie."""


class StaffSession(SQLModel, table=True):
    """A browser in which a staff member has begun to sign in, or is signed in: 30 minutes idle, 12 hours in all (SEC-3)."""

    __tablename__ = "staff_session"
    __table_args__ = (sa.Index("staff_session_begun", "started_at"),)

    id: str = Field(primary_key=True)
    token_hash: str = Field(unique=True)
    staff_id: str = Field(foreign_key="staff_member.id", index=True)
    started_at: datetime
    seen_at: datetime
    complete: bool = Field(default=False)
    """Whether the code of the authenticator was given too; until then it opens the page that asks for it, and nothing else."""
    proved_at: datetime | None = None
    """When the authenticator's code was given last: at the sign-in, or before something that matters (SEC-2)."""
    ended_at: datetime | None = None
    ip: str
    device: str


class Outcome(StrEnum):
    """What became of an act."""

    DONE = "done"
    REFUSED = "refused"


class AuditLine(ActedBy, table=True):
    """Who did what, when, on whom, why, with what change, from where. Append-only."""

    __tablename__ = "audit_line"
    __table_args__ = (
        sa.Index("audit_line_reader", "reader_id", "id"),
        sa.Index("audit_line_staff", "staff_id", "id"),
        sa.Index("audit_line_at", "at"),
    )

    id: int | None = Field(default=None, primary_key=True)
    at: datetime
    staff_id: str | None = Field(default=None, foreign_key="staff_member.id")
    """Empty for programs and for commands on the machine."""
    act: str
    outcome: Outcome = Field(sa_column=enum_column(Outcome))
    reader_id: str | None = Field(default=None, foreign_key="reader.id")
    subject: str | None = None
    """The thing acted on, by its id, where it isn't the reader."""
    reason: str = ""
    before: dict[str, Any] = Field(sa_column=sa.Column(JSONB, nullable=False))
    after: dict[str, Any] = Field(sa_column=sa.Column(JSONB, nullable=False))
    cents: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    """What a member of staff gave back of their own will, which counts towards the limits of their role."""
    days: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    """Days that were given, likewise."""
    ip: str = ""


class ReaderNote(ActedBy, table=True):
    """What staff want each other to know about a reader. Append-only."""

    __tablename__ = "reader_note"
    __table_args__ = (sa.Index("reader_note_of", "reader_id", "id"),)

    id: str = Field(primary_key=True)
    reader_id: str = Field(foreign_key="reader.id")
    at: datetime
    words: str


class RequestKind(StrEnum):
    """What a reader asks for."""

    CANCEL = "cancel"
    WRONG_CHARGE = "wrong_charge"
    WITHDRAW = "withdraw"
    """A withdrawal about which staff decide, because there was another within a year."""
    OTHER = "other"


class ReaderRequest(ClosedBy, table=True):
    """A reader's request waiting for staff. The moment it came counts, whenever it is read."""

    __tablename__ = "reader_request"
    __table_args__ = (
        sa.Index("reader_request_open", "received_at", postgresql_where=sa.text("closed_at IS NULL")),
        sa.Index("reader_request_of", "reader_id", "id"),
        sa.CheckConstraint("(closed_at IS NULL) = (closed_by_id IS NULL)", name="closed_by_somebody"),
        sa.CheckConstraint("confirmed_at IS NULL OR email_verified", name="confirmed_is_verified"),
    )

    id: str = Field(primary_key=True)
    kind: RequestKind = Field(sa_column=enum_column(RequestKind))
    received_at: datetime
    email: str
    reader_id: str | None = Field(default=None, foreign_key="reader.id")
    subscription_id: str | None = Field(default=None, foreign_key="subscription.id")
    """What it asks to end: one to cancel, the subscription that ran when it came; one to withdraw, the one withdrawn from."""
    email_verified: bool
    """Whether it is the reader's: signed in when it came, or confirmed by a mailed link since. Else the address was typed, by
    whomever."""
    confirm_asked_at: datetime | None = None
    """When staff last had the reader asked by mail whether it is theirs."""
    confirmed_at: datetime | None = None
    """When the reader said so."""
    words: str
    ip: str
    device: str
    answer: str | None = None
    closed_at: datetime | None = None

    @property
    def signed_in(self) -> bool:
        """Whether the reader was signed in when it came; then a request to cancel had its effect at once."""
        return self.email_verified and self.confirmed_at is None
