"""The table of saved filters."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel


class SavedFilter(SQLModel, table=True):
    """A filter of a list that a member named. All members who may see the list use it, and change it."""

    __tablename__ = "saved_filter"
    __table_args__ = (sa.UniqueConstraint("list", "name", name="one_filter_a_name"),)

    id: str = Field(primary_key=True)
    list: str
    """A `ListName`."""
    name: str
    query: dict[str, str] = Field(sa_column=sa.Column(JSONB, nullable=False))
    """As the form writes it (`Filter.write`). It holds no address and no reader's id."""
    saved_by: str = Field(foreign_key="staff_member.id")
    """Who saved it last."""
    saved_at: datetime
