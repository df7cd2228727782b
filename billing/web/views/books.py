"""The books of a month, for finance. Amounts in words have no currency sign; they are rand unless a table names another
currency."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import ClassVar

from billing.rules.money import Money


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountRow:
    """An account of the trial balance; amounts in words, an empty one where nothing moved."""

    name: str
    meaning: str
    before: str
    debit: str
    credit: str
    after: str
    book_value: str = ""
    """Its balance in rand, in a table of another currency; empty where no rate is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BalanceTable:
    """The trial balance in one currency, by its code."""

    currency: str
    accounts: tuple[AccountRow, ...]
    debit: str
    credit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VatRow:
    rate: str
    what: str
    net: str
    vat: str
    gross: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AgeRow:
    """What has been owed for so long since the first failed charge."""

    age: str
    count: int
    amount: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FeeRow:
    """The acquirer's fees of one kind, in the currency that it settles in."""

    what: str
    count: int
    currency: str
    net: str
    vat: str
    gross: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesRow:
    name: str
    count: int
    lowest: str
    highest: str
    missing: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OwedRow:
    """A refund that failed for good: we still owe it. It has a credit note where it had succeeded first."""

    refund_id: str
    reader_id: str
    email: str
    amount: Money
    credit_note: str | None
    since: datetime
    failure: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UnexplainedRow:
    """A charge that nothing explains, which no refund could return."""

    charge_ref: str
    customer_ref: str | None
    amount: Money
    taken_at: datetime
    since: datetime
    failure: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingRefunds:
    """Refunds for which our balance at the acquirer is too low."""

    count: int
    amount: Money
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class TypedTransfer:
    """The typed form about a transfer for the refund or charge `of`, and what is wrong with it."""

    of: str
    on: str
    reference: str
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffBooksPage:
    """`month`, `before` and `after` as 2027-03; `files` are (name, what is in it), `journals` (layout, title), `codes` (account, its
    code). `is_over`: whether the figures move no more. `typed` is shown in the row of its refund or charge."""

    template: ClassVar[str] = "staff/books.html"
    month: str
    first_day: date
    before: str
    after: str | None
    balances: tuple[BalanceTable, ...]
    vat: tuple[VatRow, ...]
    fees: tuple[FeeRow, ...]
    series: tuple[SeriesRow, ...]
    owed: tuple[OwedRow, ...]
    unexplained: tuple[UnexplainedRow, ...]
    waiting: WaitingRefunds | None
    today: date
    is_over: bool
    files: tuple[tuple[str, str], ...]
    journals: tuple[tuple[str, str], ...]
    codes: tuple[tuple[str, str], ...]
    ageing: tuple[AgeRow, ...] = ()
    typed: TypedTransfer | None = None
