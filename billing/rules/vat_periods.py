"""Tax periods of VAT: two months, or one, by the category that the revenue service gave the vendor (VAT Act s27). Pure."""

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from billing.rules.periods import add_months


class VatCategory(StrEnum):
    """When a vendor's tax periods end."""

    A = "A"
    """Two months that end in January, March, May, July, September and November."""
    B = "B"
    """Two months that end in February, April, June, August, October and December."""
    C = "C"
    """Each month."""


@dataclass(frozen=True, slots=True)
class VatPeriod:
    """A tax period: civil days, both included."""

    first: date
    last: date


def period_of(day: date, category: VatCategory) -> VatPeriod:
    """The tax period in which a day is."""
    month = day.replace(day=1)
    if category is VatCategory.C:
        return VatPeriod(month, _end_of(month, 1))
    ends_in_even_months = category is VatCategory.B
    is_second = (month.month % 2 == 0) == ends_in_even_months
    first = add_months(month, -1) if is_second else month
    return VatPeriod(first, _end_of(first, 2))


def before(period: VatPeriod, category: VatCategory) -> VatPeriod:
    """The period before."""
    return period_of(period.first - timedelta(days=1), category)


def after(period: VatPeriod, category: VatCategory) -> VatPeriod:
    """The next period."""
    return period_of(period.last + timedelta(days=1), category)


def _end_of(first: date, months: int) -> date:
    return add_months(first, months) - timedelta(days=1)
