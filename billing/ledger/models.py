"""Tables of the ledger: transactions whose entries sum to zero. Append-only."""

from datetime import date, datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from billing.platform.db import enum_column
from billing.rules.money import BASE_CURRENCY


class Account(StrEnum):
    """Where money is, or why. Debits are positive (assets and costs), credits negative (debts and income)."""

    GATEWAY = "gateway"
    """Our balance at the acquirer."""
    BANK = "bank"
    """Paid out to our bank account."""
    RECEIVABLE = "receivable"
    """Invoiced and not paid. An invoice is posted when it is paid, so this is zero at rest."""
    DEFERRED_REVENUE = "deferred_revenue"
    """Paid for days that are still to come, without VAT."""
    VAT_OUTPUT = "vat_output"
    """VAT taken, owed to the revenue service."""
    REFUNDS_OWED = "refunds_owed"
    """Credited to readers whose card refund bounced: to be paid by other means."""
    REVENUE = "revenue"
    """Earned by days that have passed, without VAT."""
    REFUNDS = "refunds"
    """Refunded although earned, without VAT."""
    DISPUTES = "disputes"
    """Taken back by banks although earned, while disputed."""
    GOODWILL = "goodwill"
    """The worth of days given away on top of a paid period."""
    GATEWAY_FEES = "gateway_fees"
    """What the acquirer keeps."""
    CONVERSION = "conversion"
    """Converted by the acquirer: given in one currency, got in another, at the rate of the charge."""
    EXCHANGE_DIFFERENCES = "exchange_differences"
    """What refunds and disputes cost beyond their charge, because the rate had changed."""


class LedgerTransaction(SQLModel, table=True):
    """A fact in one currency. `kind` and `source_id` name the recorded row, so no fact is booked twice."""

    __tablename__ = "ledger_transaction"
    __table_args__ = (
        sa.UniqueConstraint("kind", "source_id", name="one_posting_a_fact"),
        sa.Index("ledger_transaction_on", "on"),
        sa.Index("ledger_gateway_fees", "on", postgresql_where=sa.text("kind = 'gateway_fee'")),
    )

    id: int = Field(
        sa_column=sa.Column(sa.BigInteger, sa.Identity(always=True), primary_key=True, nullable=False)
    )
    kind: str
    source_id: str
    at: datetime
    """The moment of the fact."""
    on: date
    """The civil day that it counts for: the date of the document, or the earned day; the first open one where that day is closed."""
    supply_on: date
    """For a credit, the day of the sale: VAT is adjusted in the period of the credit note (VAT-12)."""
    vat_basis_points: int | None = None
    """The rate of its VAT (VAT-1); None where no VAT moved."""
    currency: str = BASE_CURRENCY
    """Of all its lines, so that each currency sums to zero."""


def _account_column() -> sa.Column[Account]:
    column = enum_column(Account)
    column.primary_key = True
    return column


class LedgerEntry(SQLModel, table=True):
    """A line of a transaction: minor units (cents) of its currency, debit positive and credit negative. The database refuses a
    transaction that doesn't sum to zero (at commit), and any change of a line."""

    __tablename__ = "ledger_entry"
    __table_args__ = (sa.CheckConstraint("amount <> 0", name="moves_something"),)

    transaction_id: int = Field(
        sa_column=sa.Column(sa.BigInteger, sa.ForeignKey("ledger_transaction.id"), primary_key=True)
    )
    account: Account = Field(sa_column=_account_column())
    amount: int = Field(sa_column=sa.Column(sa.BigInteger, nullable=False))


class ClosedPeriod(SQLModel, table=True):
    """A tax period whose VAT return is filed. Nothing is posted into it, or before it, while it isn't reopened."""

    __tablename__ = "closed_period"
    __table_args__ = (
        sa.CheckConstraint("first <= last", name="in_order"),
        sa.Index("closed_once", "last", unique=True, postgresql_where=sa.text("reopened_at IS NULL")),
    )

    id: int | None = Field(default=None, sa_column=sa.Column(sa.BigInteger, sa.Identity(), primary_key=True))
    first: date
    last: date
    """Both included."""
    reference: str
    """The revenue service's, of the return."""
    payable: int = Field(sa_column=sa.Column(sa.BigInteger, nullable=False))
    """Cents of VAT in the books at that moment."""
    closed_at: datetime
    reopened_at: datetime | None = None


class Deferral(SQLModel, table=True):
    """Money for days to come: `amount` cents without VAT, spread over the days from `starts_on` to `ends_on` (the first day
    after). The daily posting earns the days from `counts_from` up to `counts_until`. Earlier days were earned when it was booked,
    and a refund took later ones back."""

    __table_args__ = (
        sa.CheckConstraint("amount > 0 AND starts_on < ends_on", name="is_a_span"),
        sa.CheckConstraint(
            "starts_on <= counts_from AND counts_from <= counts_until AND counts_until <= ends_on",
            name="counts_within",
        ),
    )

    id: int | None = Field(default=None, sa_column=sa.Column(sa.BigInteger, sa.Identity(), primary_key=True))
    invoice_id: str = Field(foreign_key="invoice.id", index=True)
    given: bool = Field(default=False)
    """Whether staff gave the days on top of the paid period: they earn revenue against `goodwill`."""
    amount: int = Field(sa_column=sa.Column(sa.BigInteger, nullable=False))
    starts_on: date
    ends_on: date
    counts_from: date
    counts_until: date = Field(index=True)


class RecognitionMark(SQLModel, table=True):
    """How far revenue is recognised. One row, inserted by the first sale."""

    __tablename__ = "recognition_mark"
    __table_args__ = (sa.CheckConstraint("id = 1", name="one_row"),)

    id: int = Field(default=1, primary_key=True)
    through: date
    """The last recognised day."""
    next_at: datetime
    """When the day after it is over."""
