"""The VAT return of a tax period, for finance. Amounts in words have no currency sign; they are rand."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import ClassVar

from billing.rules.money import Money


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldRow:
    """A field of the return, or a line beside it without a number."""

    number: str
    words: str
    amount: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosedNote:
    """When the return was filed, and what it said."""

    reference: str
    payable: Money
    at: datetime
    may_reopen: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffVatReturnPage:
    """`month` is the period's last as 2027-04, and so are `before` and `after`. `is_over`: whether its figures still move."""

    template: ClassVar[str] = "staff/vat_return.html"
    first_day: date
    last_day: date
    month: str
    before: str
    after: str | None
    fields: tuple[FieldRow, ...]
    category: str
    is_over: bool
    closed: ClosedNote | None = None
    closed_by_a_later: date | None = None
    """The last day of a later period whose return is filed: this one is closed with it."""
    typed: str = ""
    error: str | None = None
