"""Tables that mirror Stripe's books: what moved our balance there, what was paid out, and how far the two were compared."""

from datetime import date, datetime

import sqlalchemy as sa
from sqlmodel import Field, SQLModel


class BalanceMovement(SQLModel, table=True):
    """One change of our balance at Stripe, kept once. Cents; `net` is `amount` less `fee`."""

    __tablename__ = "balance_movement"
    __table_args__ = (sa.CheckConstraint("net = amount - fee", name="adds_up"),)

    ref: str = Field(primary_key=True)
    category: str
    """charge, refund, refund_failure, dispute, dispute_reversal, payout, fee, …, in Stripe's word."""
    source_ref: str | None = Field(default=None, index=True)
    amount: int = Field(sa_type=sa.BigInteger)
    fee: int = Field(sa_type=sa.BigInteger)
    net: int = Field(sa_type=sa.BigInteger)
    currency: str
    exchange_rate: float | None = None
    """Where Stripe settles in another currency than the reader pays in (STR-2)."""
    description: str
    at: datetime = Field(index=True)
    available_at: datetime
    payout_ref: str | None = Field(default=None, index=True)


class Payout(SQLModel, table=True):
    """Money that Stripe has sent to our bank account. Cents."""

    ref: str = Field(primary_key=True)
    amount: int = Field(sa_type=sa.BigInteger)
    at: datetime = Field(index=True)
    arrives_at: datetime
    seen_at: datetime


class Reckoning(SQLModel, table=True):
    """A comparison of our books with Stripe's, from one civil day through another. Without `done_at` it is still to be made."""

    __table_args__ = (sa.CheckConstraint("since <= through", name="in_order"),)

    through: date = Field(primary_key=True)
    since: date
    next_at: datetime
    """When to try again; of one that is done, when the days after it are due."""
    tries: int = Field(default=0)
    problem: str | None = None
    done_at: datetime | None = None
    movements: int = Field(default=0)
    differences: int = Field(default=0)
