"""Tables about what is read."""

from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from billing.db import enum_column
from billing.rules.access import AccessLevel


class Article(SQLModel, table=True):
    """An article the publisher has registered: enough to decide who may read it, none of its text."""

    id: str = Field(primary_key=True)
    title: str
    url: str
    section: str
    access: AccessLevel = Field(sa_column=enum_column(AccessLevel))
    published_at: datetime
    open_until: datetime | None = None
    """Opened to everyone until then, in the public interest."""
    open_reason: str | None = None


class Grant(SQLModel, table=True):
    """Complimentary reading: for whom, until when, why, from whom. It opens, and never takes anything away."""

    __table_args__ = (sa.Index("grant_of", "reader_id", "until"),)
    __tablename__ = "complimentary_grant"

    id: str = Field(primary_key=True)
    reader_id: str = Field(foreign_key="reader.id")
    given_at: datetime
    until: datetime
    """Exclusive: the start of the day after the last one."""
    features: list[str] = Field(sa_column=sa.Column(JSONB, nullable=False))
    by: str
    why: str


class MeterMonth(SQLModel, table=True):
    """How many metered articles somebody has read in a month. The row is locked while one more is counted."""

    __tablename__ = "meter_month"

    visitor: str = Field(primary_key=True)
    """A reader's id, or a random one from a signed cookie."""
    month: date = Field(primary_key=True)
    used: int


class MeterRead(SQLModel, table=True):
    """One article counted once a month; reading it again is free. Kept 40 days (PW-13)."""

    __tablename__ = "meter_read"
    __table_args__ = (sa.Index("meter_read_month", "month"),)

    visitor: str = Field(primary_key=True)
    month: date = Field(primary_key=True)
    article_id: str = Field(primary_key=True)
