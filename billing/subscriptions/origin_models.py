"""Tables of where starts came from: the article and the newsletter issue that led to a trial or a paid start."""

from datetime import date, datetime

import sqlalchemy as sa
from sqlmodel import Field, SQLModel


class OriginOfVisit(SQLModel):
    """Columns of a visit to the card page: where its reader came from. The start takes them over, into `start_origin`."""

    origin_article_id: str | None = None
    origin_section: str | None = None
    origin_issue_id: str | None = None


class StartOrigin(SQLModel, table=True):
    """Where one start came from. It lives as long as the reader's consent names its reader: an erasure deletes the row."""

    __tablename__ = "start_origin"
    __table_args__ = (
        sa.CheckConstraint("num_nonnulls(article_id, issue_id) > 0", name="names_something"),
        sa.CheckConstraint("(article_id IS NULL) = (section IS NULL)", name="article_has_its_section"),
    )

    subscription_id: str = Field(primary_key=True, foreign_key="subscription.id")
    reader_id: str = Field(foreign_key="reader.id", index=True)
    article_id: str | None = Field(default=None, index=True)
    section: str | None = None
    """The article's section at the time of the start."""
    issue_id: str | None = None
    is_trial: bool
    at: datetime = Field(index=True)
    paid_cents: int | None = Field(default=None, sa_column=sa.Column(sa.BigInteger))
    """What it had paid when the numbers of its last payment's day were kept, less what went back; None before its first payment.
    A kept result, no counter: `reports/numbers/paid_by_starts` computes it from payments and refunds."""


class ErasedOrigin(SQLModel, table=True):
    """Starts of readers who were erased since, counted by month: no row says whose they were. Empty text: not known."""

    __tablename__ = "erased_origin"

    month: date = Field(primary_key=True)
    """The first day of the month, in the publisher's zone."""
    article_id: str = Field(primary_key=True, index=True)
    section: str = Field(primary_key=True)
    issue_id: str = Field(primary_key=True)
    trials: int
    paid_starts: int
    converted: int
    """How many of them have paid."""
