"""Tables about who may read what. Versions are kept, so that past decisions can be explained."""

from datetime import date, datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlmodel import Field, SQLModel

from billing.platform.actors import ActedBy, ClosedBy
from billing.platform.db import enum_column
from billing.rules.access import AccessLevel

# A window that is NULL makes BETWEEN unknown, and a CHECK refuses only what is false.
_WINDOWS = (
    "(access IS NOT NULL OR (free_hours IS NULL AND open_after_days IS NULL))"
    " AND free_hours BETWEEN 1 AND 8784 AND open_after_days BETWEEN 1 AND 3660"
)


class Article(SQLModel, table=True):
    """An article the publisher has registered: enough to decide who may read it, none of its text."""

    __table_args__ = (
        sa.CheckConstraint(_WINDOWS, name="windows_belong_to_a_level"),
        sa.Index("article_section", "section"),
        sa.Index("article_published", "published_at", "id"),
        sa.Index("article_title_parts", sa.text("trigrams(title)"), postgresql_using="gin"),
    )

    id: str = Field(primary_key=True)
    title: str
    url: str
    section: str
    access: AccessLevel | None = Field(default=None, sa_column=enum_column(AccessLevel, nullable=True))
    """Its own policy; empty: its section's, with the section's windows."""
    free_hours: int | None = None
    """Free for everyone for so many hours from publication."""
    open_after_days: int | None = None
    """Free for good from the start of the day so many days after publication."""
    published_at: datetime


class ArticleVersion(ActedBy, table=True):
    """What decided who may read an article, from an instant on. Append-only."""

    __tablename__ = "article_version"
    __table_args__ = (sa.Index("article_version_of", "article_id", "id"),)

    id: int | None = Field(default=None, primary_key=True)
    article_id: str
    at: datetime
    section: str
    access: AccessLevel | None = Field(default=None, sa_column=enum_column(AccessLevel, nullable=True))
    free_hours: int | None = None
    open_after_days: int | None = None
    published_at: datetime
    removed: bool = False


class SectionPolicy(ActedBy, table=True):
    """A section's policy from an instant on, for articles that have none of their own. Append-only; the last row counts."""

    __tablename__ = "section_policy"
    __table_args__ = (
        sa.Index("section_policy_of", "section", "id"),
        sa.CheckConstraint(_WINDOWS, name="windows_belong_to_a_level"),
    )

    id: int | None = Field(default=None, primary_key=True)
    section: str
    at: datetime
    access: AccessLevel | None = Field(default=None, sa_column=enum_column(AccessLevel, nullable=True))
    """Empty: from then on the section has no policy."""
    free_hours: int | None = None
    open_after_days: int | None = None


class Scope(StrEnum):
    """How much an editor opens."""

    ARTICLE = "article"
    SECTION = "section"
    SITE = "site"


class PublicWindow(ActedBy, ClosedBy, table=True):
    """An article, a section or the site that an editor opened to everyone for a while. Only its early end is added later."""

    __tablename__ = "public_window"
    __table_args__ = (
        sa.CheckConstraint("until > opened_at", name="ends_after_it_begins"),
        sa.CheckConstraint("(closed_at IS NULL) = (closed_by_id IS NULL)", name="closed_by_somebody"),
        sa.CheckConstraint("(scope = 'site') = (subject = '')", name="of_something"),
        sa.Index("public_window_until", "until"),
    )

    id: str = Field(primary_key=True)
    scope: Scope = Field(sa_column=enum_column(Scope))
    subject: str
    """The article's id, or the section's name; empty for the whole site."""
    opened_at: datetime
    until: datetime
    """Exclusive. It closes by itself."""
    reason: str
    closed_at: datetime | None = None
    """Closed earlier than `until`."""


class Grant(ActedBy, table=True):
    """Complimentary reading: for which reader, until when, why, by whom. Rows never change."""

    __table_args__ = (sa.Index("grant_of", "reader_id", "until"),)
    __tablename__ = "complimentary_grant"

    id: str = Field(primary_key=True)
    reader_id: str = Field(foreign_key="reader.id")
    given_at: datetime
    until: datetime
    """Exclusive: the start of the day after the last one."""
    features: list[str] = Field(sa_column=sa.Column(JSONB, nullable=False))
    reason: str


class Gift(SQLModel, table=True):
    """A link by which a subscriber gives one article (PW-8). Its secret is derived from the id, and kept nowhere."""

    __table_args__ = (
        sa.Index("gift_of", "reader_id", "id"),
        sa.Index("gift_article", "article_id"),
        sa.Index("gift_until", "until"),
        sa.CheckConstraint("opened BETWEEN 0 AND most", name="opened_so_often_at_most"),
    )

    id: str = Field(primary_key=True)
    reader_id: str = Field(foreign_key="reader.id")
    article_id: str
    given_at: datetime
    until: datetime
    """Exclusive."""
    most: int
    """How many may open it."""
    opened: int = 0
    revoked_at: datetime | None = None
    revoked_reason: str | None = None


class GiftReading(SQLModel, table=True):
    """A visitor who opened a gift, and may reread while it lasts. Deleted 40 days after the gift ended (PW-13)."""

    __tablename__ = "gift_reading"
    __table_args__ = (sa.Index("gift_reading_of", "visitor"),)

    gift_id: str = Field(primary_key=True, foreign_key="gift.id")
    visitor: str = Field(primary_key=True)
    """A reader's id, or a random one from a signed cookie."""
    at: datetime


class MeterMonth(SQLModel, table=True):
    """The metered articles that a visitor has read in a month. The row is locked while one more is counted (PW-4, PW-13)."""

    __tablename__ = "meter_month"
    __table_args__ = (
        sa.Index("meter_month_month", "month"),
        {"postgresql_partition_by": "RANGE (month)"},
    )

    visitor: str = Field(primary_key=True)
    """A reader's id, or a random one from a signed cookie."""
    month: date = Field(primary_key=True)
    readings: dict[str, str] = Field(sa_column=sa.Column(JSONB, nullable=False))
    """When each counted article was read first. Reading one again is free; articles are only added."""
    carried: list[str] = Field(sa_column=sa.Column(ARRAY(sa.Text), nullable=False))
    """Articles that were counted for a reader too, who signed in with this browser."""
