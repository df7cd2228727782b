"""Tables about API keys."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from billing.rules.ceilings import Ceilings

DEFAULTS = Ceilings()


def _ceiling(default: int) -> Any:
    return Field(default=default, sa_column_kwargs={"server_default": str(default)})


class ApiKey(SQLModel, table=True):
    """A key for machine calls. Only the hash of its secret is stored; the secret is shown once, when it is made or rotated."""

    __tablename__ = "api_key"
    __table_args__ = (
        sa.Index(
            "api_key_ends",
            "expires_at",
            postgresql_where=sa.text("revoked_at IS NULL AND warned_at IS NULL AND expires_at IS NOT NULL"),
        ),
        sa.CheckConstraint(
            "(previous_hash IS NULL) = (previous_until IS NULL)", name="previous_until_a_time"
        ),
    )

    id: str = Field(primary_key=True)
    name: str
    key_hash: str = Field(unique=True)
    scopes: list[str] = Field(sa_column=sa.Column(JSONB, nullable=False))
    created_at: datetime
    expires_at: datetime | None = None
    """When it stops working; None: never."""
    warned_at: datetime | None = None
    """When a case warned admins that it expires soon."""
    revoked_at: datetime | None = None
    previous_hash: str | None = Field(default=None, unique=True)
    """Hash of the secret before the last rotation, which works until `previous_until`."""
    previous_until: datetime | None = None
    cents_a_day: int = _ceiling(DEFAULTS.cents)
    """Cents that it may give back in 24 hours. The other ceilings are alike (`rules/ceilings`)."""
    days_a_day: int = _ceiling(DEFAULTS.days)
    starts_a_day: int = _ceiling(DEFAULTS.starts)
    readers_a_day: int = _ceiling(DEFAULTS.readers)

    @property
    def ceilings(self) -> Ceilings:
        """The most that it may give in a day."""
        return Ceilings(self.cents_a_day, self.days_a_day, self.starts_a_day, self.readers_a_day)


class KeyUse(SQLModel, table=True):
    """When a key was last used, to the minute. A table of its own: each change of `ApiKey` invalidates the access cache."""

    __tablename__ = "api_key_use"

    key_id: str = Field(primary_key=True, foreign_key="api_key.id")
    last_used_at: datetime


class KeySpending(SQLModel, table=True):
    """What a key gave in an hour. A day's ceilings limit the sum of 24 hours."""

    __tablename__ = "api_key_spending"
    __table_args__ = (sa.Index("api_key_spending_hour", "hour"),)

    key_id: str = Field(primary_key=True, foreign_key="api_key.id")
    hour: datetime = Field(primary_key=True)
    cents: int = Field(default=0)
    days: int = Field(default=0)
    starts: int = Field(default=0)


class KeyReader(SQLModel, table=True):
    """A reader about whom a key read something, to count the different readers of a day."""

    __tablename__ = "api_key_reader"
    __table_args__ = (
        sa.Index("api_key_reader_read", "read_at"),
        sa.Index("api_key_reader_of", "key_id", "read_at"),
    )

    key_id: str = Field(primary_key=True, foreign_key="api_key.id")
    reader_id: str = Field(primary_key=True)
    read_at: datetime
    """The first time within the counted day."""


class BulkRead(SQLModel, table=True):
    """How often an actor read something in an hour, and about how many readers: one row instead of one a read."""

    __tablename__ = "bulk_read"
    __table_args__ = (sa.Index("bulk_read_hour", "hour"),)

    by: str = Field(primary_key=True)
    """The actor, as in the audit."""
    what: str = Field(primary_key=True)
    """Method and path template, as in `GET /v1/readers/{reader_id}`."""
    hour: datetime = Field(primary_key=True)
    calls: int
    readers: int
    """The sum of the rows that each call read."""
