"""The tables of erasures, and of archives with all of a reader's data."""

from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from billing.platform.actors import ActedBy

OPEN = "done_at IS NULL AND taken_back_at IS NULL"
"""SQL: it is asked for, and neither done nor taken back."""


class Erasure(ActedBy, table=True):
    """A request to erase a reader, and the tombstone that stays of them. It holds no address (POP-5)."""

    __table_args__ = (
        sa.Index("one_open_erasure", "reader_id", unique=True, postgresql_where=sa.text(OPEN)),
        sa.Index("erasure_due", "next_attempt_at", postgresql_where=sa.text(OPEN)),
        sa.Index("erasure_of", "reader_id"),
        sa.CheckConstraint("done_at IS NULL OR taken_back_at IS NULL", name="done_or_taken_back"),
    )

    id: str = Field(primary_key=True)
    reader_id: str = Field(foreign_key="reader.id")
    requested_at: datetime
    erases_at: datetime
    """The earliest moment to erase. Until then the reader can take it back."""
    due_at: datetime
    """The last moment that the law allows."""
    next_attempt_at: datetime
    """When to erase, or to see again whether what is open has ended."""
    tries: int = Field(default=0)
    taken_back_at: datetime | None = None
    """When the reader took it back, or subscribed again."""
    done_at: datetime | None = None


UNMADE = "made_at IS NULL"
"""SQL: the archive is still to be made."""


class DataRequest(SQLModel, table=True):
    """A reader asked for all their data: the archive, once it is made. A rule deletes the row a week after that."""

    __tablename__ = "data_request"
    __table_args__ = (
        sa.Index("one_unmade_archive", "reader_id", unique=True, postgresql_where=sa.text(UNMADE)),
        sa.Index("data_request_due", "next_attempt_at", postgresql_where=sa.text(UNMADE)),
        sa.Index("data_request_of", "reader_id"),
        sa.Index("data_request_made", "made_at"),
        sa.CheckConstraint("(made_at IS NULL) = (archive IS NULL)", name="made_with_its_archive"),
    )

    id: str = Field(primary_key=True)
    reader_id: str = Field(foreign_key="reader.id")
    requested_at: datetime
    next_attempt_at: datetime
    """When to make it, or to try again."""
    tries: int = Field(default=0)
    made_at: datetime | None = None
    archive: bytes | None = None
    size_bytes: int = Field(default=0)
    fetched_at: datetime | None = None
    """When it was downloaded for the first time."""
