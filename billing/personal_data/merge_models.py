"""The table of merged accounts."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from billing.platform.actors import ActedBy


class ReaderMerge(ActedBy, table=True):
    """Two accounts of one person became one: which stays, which is empty since, and how many rows of each table moved.

    While `done_at` is empty, the triggers of append-only tables let rows of this pair move (see the migration)."""

    __tablename__ = "reader_merge"
    __table_args__ = (
        sa.Index("reader_merge_of", "reader_id"),
        sa.Index("reader_merge_freed", sa.text("lower(freed_address)")),
        sa.CheckConstraint("reader_id <> merged_id", name="of_two_readers"),
    )

    id: str = Field(primary_key=True)
    reader_id: str = Field(foreign_key="reader.id")
    """The account that stays."""
    merged_id: str = Field(foreign_key="reader.id", unique=True)
    begun_at: datetime
    done_at: datetime | None = None
    """Set in the transaction that began it."""
    freed_address: str | None = None
    """The address that opens no account since: by it staff still find the one that stays. Empty after an erasure."""
    moved: dict[str, int] = Field(sa_column=sa.Column(JSONB, nullable=False))
