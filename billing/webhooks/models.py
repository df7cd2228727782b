"""What Stripe told us."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel


class InboundEvent(SQLModel, table=True):
    """An event, stored once by its id before it is believed; settled later from what Stripe says then."""

    __tablename__ = "inbound_event"
    __table_args__ = (sa.Index("event_unsettled", "try_at", postgresql_where=sa.text("settled_at IS NULL")),)

    id: str = Field(primary_key=True)
    type: str
    object_ref: str
    created_at: datetime
    received_at: datetime
    payload: dict[str, Any] = Field(sa_column=sa.Column(JSONB, nullable=False))
    try_at: datetime
    tries: int = Field(default=0)
    last_error: str | None = None
    settled_at: datetime | None = None
    outcome: str | None = None
    claimed_by: int | None = None
