"""What Stripe told us."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel


class InboundEvent(SQLModel, table=True):
    """An event, stored once by its id before it is believed; settled later from what Stripe says then."""

    __tablename__ = "inbound_event"
    __table_args__ = (
        sa.Index(
            "event_unsettled",
            "try_at",
            postgresql_where=sa.text("settled_at IS NULL AND set_aside_at IS NULL"),
        ),
        sa.Index("event_set_aside", "set_aside_at", postgresql_where=sa.text("set_aside_at IS NOT NULL")),
        sa.Index("event_received", "received_at"),
        sa.CheckConstraint("settled_at IS NULL OR set_aside_at IS NULL", name="settled_or_set_aside"),
    )

    id: str = Field(primary_key=True)
    type: str
    object_ref: str
    created_at: datetime
    received_at: datetime
    payload: dict[str, Any] = Field(sa_column=sa.Column(JSONB, nullable=False))
    try_at: datetime
    tries: int = Field(default=0)
    """How often it was looked at since it came, or since it was replayed."""
    failures: int = Field(default=0)
    """How many of these broke us. That Stripe couldn't be asked isn't counted here: an outage poisons nothing."""
    set_aside_at: datetime | None = None
    """When it had broken us so often that it waits for a person."""
    last_error: str | None = None
    settled_at: datetime | None = None
    outcome: str | None = None
    claimed_by: int | None = None
