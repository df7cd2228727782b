"""Tables of the numbers: what each closed day brought, kept so that a page needs no look at every payment."""

from datetime import date, datetime

import sqlalchemy as sa
from sqlmodel import Field, SQLModel


class NumberDay(SQLModel, table=True):
    """What one civil day brought of one measure: a kept result, no counter.

    No act writes here. `days.keep_due` computes a day from ledger and history once it is closed, and computes the last days again
    each night, as a late answer of an acquirer may belong to one of them. So the row of a day follows from other tables at any
    time, and the doctor compares some with a fresh computation."""

    __tablename__ = "number_day"
    __table_args__ = (sa.Index("number_day_of", "day"),)

    measure: str = Field(primary_key=True)
    of: str = Field(primary_key=True)
    """What the value belongs to: a plan, a reason, a month, a card scheme; empty where there is one only."""
    day: date = Field(primary_key=True)
    value: int = Field(sa_column=sa.Column(sa.BigInteger, nullable=False))
    """How many, or cents; never 0. Below zero where something ended."""


class NumberMark(SQLModel, table=True):
    """How far the days are kept. One row, inserted by the first night."""

    __tablename__ = "number_mark"
    __table_args__ = (sa.CheckConstraint("id = 1", name="one_row"),)

    id: int = Field(default=1, primary_key=True)
    through: date
    """The last day that is kept."""
    next_at: datetime
    """When the day after it is kept."""
