"""Tables of acts on many readers: the act, and a line for each reader."""

from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from billing.platform.db import enum_column
from billing.rules.bulk_action import BulkState
from billing.rules.worded import WordedEnum


class BulkKind(WordedEnum):
    """What is done for each reader."""

    DAYS = "days", "Give days"
    REFUND = "refund", "Give money back"
    CANCEL = "cancel", "Cancel"
    PLAN = "plan", "Change the plan"
    MAIL = "mail", "Write a mail"


class LineState(StrEnum):
    """How far a line is."""

    CHOSEN = "chosen"
    """Not checked yet."""
    READY = "ready"
    """Checked: this reader's act can be done."""
    DONE = "done"
    REFUSED = "refused"
    """Not done; `words` say why."""


class BulkAction(SQLModel, table=True):
    """An act on many readers, from its preview to its last line. Never deleted: it is evidence of what staff did."""

    __tablename__ = "bulk_action"
    __table_args__ = (
        sa.Index("bulk_action_due", "next_run_at", postgresql_where=sa.text("next_run_at IS NOT NULL")),
        sa.CheckConstraint(
            "(state IN ('choosing', 'checking', 'running')) = (next_run_at IS NOT NULL)",
            name="worked_on_while_due",
        ),
        sa.CheckConstraint(
            "started_at IS NOT NULL OR state NOT IN ('running', 'stopped', 'done')", name="started_when_begun"
        ),
        sa.CheckConstraint("started_at IS NULL OR reason <> ''", name="started_with_a_reason"),
    )

    id: str = Field(primary_key=True)
    kind: BulkKind = Field(sa_column=enum_column(BulkKind))
    state: BulkState = Field(sa_column=enum_column(BulkState))
    terms: dict[str, Any] = Field(sa_column=sa.Column(JSONB, nullable=False))
    """What is given, cancelled or written (`staff.bulk.terms`)."""
    selection: dict[str, Any] = Field(sa_column=sa.Column(JSONB, nullable=False))
    """How its readers were chosen (`staff.bulk.choose`)."""
    chosen_through: str = ""
    """The last subject of its selection that was looked at, while readers are being listed."""
    made_by: str = Field(foreign_key="staff_member.id")
    made_at: datetime
    reason: str = ""
    approval_id: str | None = Field(default=None, foreign_key="approval.id", unique=True)
    """The approval that was asked for last."""
    approved: bool = Field(default=False, sa_column_kwargs={"server_default": sa.false()})
    """Whether a second member decided too."""
    started_at: datetime | None = None
    ended_at: datetime | None = None
    stopped_because: str = ""
    next_run_at: datetime | None = None


class BulkLine(SQLModel, table=True):
    """One reader of an act on many; where certain charges go back, one charge."""

    __tablename__ = "bulk_line"
    __table_args__ = (
        sa.Index("bulk_line_next", "action_id", "state", "tries", "subject"),
        sa.Index("bulk_line_reader", "reader_id"),
        sa.CheckConstraint("(state = 'done') = (done_at IS NOT NULL)", name="done_has_its_moment"),
        sa.CheckConstraint("(state = 'done') = (audit_line_id IS NOT NULL)", name="done_is_in_the_audit"),
    )

    action_id: str = Field(primary_key=True, foreign_key="bulk_action.id")
    subject: str = Field(primary_key=True)
    """The reader's id; where certain charges go back, the payment's."""
    reader_id: str = Field(foreign_key="reader.id")
    payment_id: str | None = None
    """The charge that goes back."""
    state: LineState = Field(sa_column=enum_column(LineState))
    cents: int = 0
    """What goes back by the preview."""
    days: int = 0
    words: str = ""
    """What the preview says, or why nothing was done."""
    tries: int = 0
    """Failures by an error of ours."""
    done_at: datetime | None = None
    audit_line_id: int | None = Field(default=None, foreign_key="audit_line.id", unique=True)
