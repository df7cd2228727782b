"""What staff do with a request besides answering it, which its reader never sees; and the answers that they send often."""

from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from billing.platform.actors import ActedBy
from billing.platform.db import enum_column
from billing.rules.worded import WordedEnum


class RequestStepKind(WordedEnum):
    """What was done; each member's `words` say it after who did it."""

    CLAIMED = "claimed", "took it"
    TAKEN_OVER = "taken_over", "took it over"
    RELEASED = "released", "let it go"
    KIND = "kind", "said what it is about"
    NOTE = "note", "wrote a note"
    ASKED = "asked", "had a link mailed that confirms it"
    CLOSED = "closed", "closed it without a mail"


class RequestStep(ActedBy, table=True):
    """Something that a member did with a request. Append-only."""

    __tablename__ = "request_step"
    __table_args__ = (sa.Index("request_step_of", "request_id", "id"),)

    id: str = Field(primary_key=True)
    request_id: str = Field(foreign_key="reader_request.id")
    at: datetime
    kind: RequestStepKind = Field(sa_column=enum_column(RequestStepKind))
    words: str = ""
    """A note's own words; why it was closed; from whom it was taken over; what it is about."""


class CannedAnswer(SQLModel, table=True):
    """An answer that members send often, with fields (see `rules/canned_answers`)."""

    __tablename__ = "canned_answer"
    __table_args__ = (
        sa.Index(
            "canned_answer_title",
            sa.text("lower(title)"),
            unique=True,
            postgresql_where=sa.text("removed_at IS NULL"),
        ),
    )

    id: str = Field(primary_key=True)
    title: str
    """What members call it."""
    words: str
    changed_at: datetime
    removed_at: datetime | None = None
