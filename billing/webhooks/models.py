"""The table of webhooks."""

from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from billing.acquirer.signals import Signal
from billing.platform.db import enum_column


class InboundEvent(SQLModel, table=True):
    """An event, stored once before it is trusted; settled later from what its acquirer says then."""

    __tablename__ = "inbound_event"
    __table_args__ = (
        # with `created_at`, as a key of a partitioned table must have the column that divides it
        sa.UniqueConstraint("event_ref", "acquirer", "created_at", name="kept_once"),
        sa.Index(
            "event_unsettled",
            "next_attempt_at",
            postgresql_where=sa.text("settled_at IS NULL AND set_aside_at IS NULL"),
        ),
        sa.Index("event_set_aside", "set_aside_at", postgresql_where=sa.text("set_aside_at IS NOT NULL")),
        sa.Index("event_received", "received_at"),
        sa.CheckConstraint("settled_at IS NULL OR set_aside_at IS NULL", name="settled_or_set_aside"),
        {"postgresql_partition_by": "RANGE (created_at)"},
    )

    id: str = Field(primary_key=True)
    acquirer: str
    event_ref: str
    event_type: str
    """The acquirer's own, as is `event_ref`: for operators, opaque to the code."""
    signal: Signal | None = Field(sa_column=enum_column(Signal, nullable=True))
    """None where it concerns nothing that we keep."""
    object_ref: str
    attempt_id: str | None = None
    setup_id: str | None = None
    """An id of ours that the object names, as is `attempt_id`. No foreign key: its content isn't ours."""
    created_at: datetime = Field(primary_key=True)
    """The acquirer's, the same each time it tells the event (see `billing.platform.partitions`)."""
    received_at: datetime
    next_attempt_at: datetime
    tries: int = Field(default=0)
    """Tries since it came, or since it was replayed."""
    failures: int = Field(default=0)
    """Tries that raised an error of ours. Outages of the acquirer don't count, so they set no event aside."""
    set_aside_at: datetime | None = None
    """When it had failed so often that it waits for a person."""
    last_error: str | None = None
    settled_at: datetime | None = None
    outcome: str | None = None
    claimed_by: int | None = None
