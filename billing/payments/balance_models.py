"""Tables that mirror acquirers' books: movements of our balance, payouts, and how far the books were compared."""

from datetime import date, datetime

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from billing.acquirer.balance_port import PayoutListing
from billing.platform.db import enum_column


class BalanceMovement(SQLModel, table=True):
    """One change of our balance at an acquirer, kept once. Minor units (cents) of the currency that the account settles in;
    `net` is `amount` less `fee`."""

    __tablename__ = "balance_movement"
    __table_args__ = (
        sa.CheckConstraint("net = amount - fee", name="adds_up"),
        sa.CheckConstraint(
            "(presented_amount IS NULL) = (presented_currency IS NULL)", name="presented_in_a_currency"
        ),
        sa.Index("balance_movement_payout", "source_ref", postgresql_where=sa.text("category = 'payout'")),
    )

    ref: str = Field(primary_key=True)
    acquirer: str = Field(primary_key=True)
    category: str
    """charge, refund, refund_failure, dispute, dispute_reversal, payout, fee, …"""
    source_ref: str | None = Field(default=None, index=True)
    amount: int = Field(sa_type=sa.BigInteger)
    fee: int = Field(sa_type=sa.BigInteger)
    fee_vat: int = Field(default=0, sa_type=sa.BigInteger, sa_column_kwargs={"server_default": "0"})
    """The part of `fee` that is VAT, as far as the acquirer names it."""
    net: int = Field(sa_type=sa.BigInteger)
    currency: str
    exchange_rate: float | None = None
    """Set where it settles in another currency than the reader pays in (STR-2): units of that for one unit of this."""
    presented_amount: int | None = Field(default=None, sa_type=sa.BigInteger)
    """Then, what the reader paid, got back or disputes: minor units of `presented_currency`, with the sign of `amount`."""
    presented_currency: str | None = None
    charge_ref: str | None = None
    """Then, its charge."""
    description: str
    at: datetime = Field(index=True)
    available_at: datetime
    payout_ref: str | None = Field(default=None, index=True)


class Payout(SQLModel, table=True):
    """Money sent to our bank account; negative where it was taken from it. Minor units (cents) of its currency."""

    __table_args__ = (
        sa.Index("payout_reference_pending", "at", postgresql_where=sa.text("reference_is_pending")),
    )

    ref: str = Field(primary_key=True)
    acquirer: str = Field(primary_key=True)
    amount: int = Field(sa_type=sa.BigInteger)
    currency: str
    at: datetime = Field(index=True)
    arrives_at: datetime
    listing: PayoutListing = Field(sa_column=enum_column(PayoutListing))
    seen_at: datetime
    """When we kept it, or its list where that came later."""
    bank_reference: str | None = None
    """What the bank calls it; None where the acquirer knows no name, or none yet."""
    reference_is_pending: bool = Field(default=False, sa_column_kwargs={"server_default": sa.false()})
    """Whether the acquirer may still learn it."""
    short: int = Field(default=0, sa_type=sa.BigInteger)
    """Cents by which it exceeds what the known movements had left in the account; 0 for one with a list."""


class Reconciliation(SQLModel, table=True):
    """A comparison of our books with all acquirers', from one civil day through another; still to be made without `done_at`."""

    __table_args__ = (sa.CheckConstraint("since <= through", name="in_order"),)

    through: date = Field(primary_key=True)
    since: date
    next_at: datetime
    """When to try again; after `done_at`, when the next days are due."""
    tries: int = Field(default=0)
    problem: str | None = None
    done_at: datetime | None = None
    movements: int = Field(default=0)
    differences: int = Field(default=0)
