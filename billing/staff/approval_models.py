"""The table of what waits for a second member of staff."""

from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from billing.platform.db import enum_column


class ApprovalKind(StrEnum):
    """What waits."""

    REFUND = "refund"
    """An act for a reader that gives back more than one member may decide about."""
    NEW_ADMIN = "new_admin"
    ADMIN_CHANGE = "admin_change"
    """Another admin gets a lesser role or a new authenticator, or is disabled."""
    KEY_CEILING = "key_ceiling"
    """An API key that may give back more in a day than one member may."""
    BULK = "bulk"
    """An act on more readers, or with more money, than one member may decide about."""


class ApprovalState(StrEnum):
    """What became of it. One that still waits when it expires can't be approved any more."""

    WAITING = "waiting"
    DONE = "done"
    DECLINED = "declined"
    CHANGED = "changed"
    """The reader's state had changed when it was approved, so nothing was done."""


class Approval(SQLModel, table=True):
    """Something that one member asked for and another decides about (SEC-6). Never deleted."""

    __tablename__ = "approval"
    __table_args__ = (
        sa.Index("approval_waiting", "asked_at", postgresql_where=sa.text("state = 'waiting'")),
        sa.CheckConstraint("(state = 'waiting') = (decided_at IS NULL)", name="decided_has_its_moment"),
        sa.CheckConstraint(
            "state <> 'done' OR decided_by IS DISTINCT FROM asked_by", name="two_members_decide"
        ),
    )

    id: str = Field(primary_key=True)
    kind: ApprovalKind = Field(sa_column=enum_column(ApprovalKind))
    state: ApprovalState = Field(sa_column=enum_column(ApprovalState))
    asked_by: str = Field(foreign_key="staff_member.id")
    asked_at: datetime
    expires_at: datetime
    reason: str
    reader_id: str | None = Field(default=None, foreign_key="reader.id")
    cents: int = Field(default=0)
    """What would go back."""
    act: dict[str, Any] = Field(sa_column=sa.Column(JSONB, nullable=False))
    """A refund: the act's name and fields (`staff.acts.stored`). A new admin: the address. A change of an
    admin: the member's id, what is done, and the role. A key: its id and cents a day.
    An act on many: its id."""
    words: list[str] = Field(sa_column=sa.Column(JSONB, nullable=False))
    """The preview that the asking member saw."""
    version: str = ""
    """Of the reader's state in that preview (`staff.facts.state_hash`)."""
    decided_by: str | None = Field(default=None, foreign_key="staff_member.id")
    """Empty while it waits, and where a command on the machine decided."""
    decided_at: datetime | None = None
    line_id: int | None = Field(default=None, foreign_key="audit_line.id", unique=True)
    """The audit line of what was done."""
