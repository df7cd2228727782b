"""Tables about API keys."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from billing.rules.ceilings import Ceilings

DEFAULTS = Ceilings()


class ApiKey(SQLModel, table=True):
    """A key for machine calls. Only the hash of its secret is kept; that is shown once, when it is made or rotated."""

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
    """From when on it doesn't work any more; None: it doesn't expire."""
    warned_at: datetime | None = None
    """When admins were told that it expires soon."""
    revoked_at: datetime | None = None
    previous_hash: str | None = Field(default=None, unique=True)
    """Of the secret before the last rotation, which works to `previous_until`."""
    previous_until: datetime | None = None
    cents_a_day: int = Field(default=DEFAULTS.cents, sa_column_kwargs={"server_default": str(DEFAULTS.cents)})
    """Cents that may be given back with it in 24 hours; likewise the others (`rules/ceilings`)."""
    days_a_day: int = Field(default=DEFAULTS.days, sa_column_kwargs={"server_default": str(DEFAULTS.days)})
    starts_a_day: int = Field(
        default=DEFAULTS.starts, sa_column_kwargs={"server_default": str(DEFAULTS.starts)}
    )
    readers_a_day: int = Field(
        default=DEFAULTS.readers, sa_column_kwargs={"server_default": str(DEFAULTS.readers)}
    )

    @property
    def ceilings(self) -> Ceilings:
        """The most that may be given with it in a day."""
        return Ceilings(self.cents_a_day, self.days_a_day, self.starts_a_day, self.readers_a_day)


class KeyUse(SQLModel, table=True):
    """When a key was last used, to the minute. Apart from the key, whose changes are told to all who keep it in memory."""

    __tablename__ = "api_key_use"

    key_id: str = Field(primary_key=True, foreign_key="api_key.id")
    last_used_at: datetime


class KeySpending(SQLModel, table=True):
    """What was given with a key in an hour: the ceilings of a day are held against the sum of 24."""

    __tablename__ = "api_key_spending"
    __table_args__ = (sa.Index("api_key_spending_hour", "hour"),)

    key_id: str = Field(primary_key=True, foreign_key="api_key.id")
    hour: datetime = Field(primary_key=True)
    cents: int = Field(default=0)
    days: int = Field(default=0)
    starts: int = Field(default=0)


class KeyReader(SQLModel, table=True):
    """Of whom something was read with a key: the different readers of a day are counted by it."""

    __tablename__ = "api_key_reader"
    __table_args__ = (
        sa.Index("api_key_reader_read", "read_at"),
        sa.Index("api_key_reader_of", "key_id", "read_at"),
    )

    key_id: str = Field(primary_key=True, foreign_key="api_key.id")
    reader_id: str = Field(primary_key=True)
    read_at: datetime
    """When first within the day that counts."""


class BulkRead(SQLModel, table=True):
    """How often, and of how many readers, somebody read what in an hour: one line instead of one each."""

    __tablename__ = "bulk_read"
    __table_args__ = (sa.Index("bulk_read_hour", "hour"),)

    by: str = Field(primary_key=True)
    """As in the audit."""
    what: str = Field(primary_key=True)
    """Method and address, with its places unfilled."""
    hour: datetime = Field(primary_key=True)
    calls: int
    readers: int
    """Rows that were read, of each call."""
