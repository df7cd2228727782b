"""VAT: the rate by date, the split of a price that includes it, the document a payment calls for."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from billing.rules.money import Money
from billing.rules.periods import civil

_WHOLE = 10_000  # basis points
_PERCENTAGE = re.compile(r"(\d{1,3})(?:[.,](\d{1,2}))? ?%?", re.ASCII)


class NoRate(ValueError):
    """No rate is known for a date before the first one."""

    def __init__(self, on: date) -> None:
        super().__init__(f"no VAT rate is known for {on.isoformat()}")
        self.on = on


class NotAPercentage(ValueError):
    """A rate is a percentage like 15 or 15.5, from 0 to 100."""

    def __init__(self, typed: str) -> None:
        super().__init__(f"{typed!r} isn't a percentage like 15 or 15.5, from 0 to 100")


class NotASupply(ValueError):
    """A negative amount is given back, not supplied: it calls for a credit note."""


@dataclass(frozen=True, slots=True)
class VatRate:
    """A rate in basis points (1500 is 15%), in force from the civil date `from_on` on (VAT-1)."""

    basis_points: int
    from_on: date

    def __post_init__(self) -> None:
        if not 0 <= self.basis_points <= _WHOLE:
            raise ValueError(f"a VAT rate lies between 0 and {_WHOLE} basis points, not {self.basis_points}")

    @property
    def percent(self) -> str:
        """As it is printed: "15", "15.5"."""
        whole, rest = divmod(self.basis_points, 100)
        return f"{whole}.{rest:02}".rstrip("0").rstrip(".")


@dataclass(frozen=True, slots=True)
class VatSplit:
    """What a price is made of: `net + vat == gross`, always."""

    net: Money
    vat: Money
    gross: Money
    rate: VatRate


class InvoiceForm(StrEnum):
    """The tax invoice that a payment calls for (VAT-4)."""

    NONE = "none"
    ABRIDGED = "abridged"
    FULL = "full"


NONE_UP_TO = Money(50_00)
ABRIDGED_UP_TO = Money(5_000_00)


def basis_points_in(typed: str) -> int:
    """A percentage in basis points: 1550 for "15.5", "15,5" or "15.5%". Raises NotAPercentage, also for a third digit behind the point."""
    found = _PERCENTAGE.fullmatch(typed.strip())
    points = int(found[1]) * 100 + int((found[2] or "").ljust(2, "0")) if found else -1
    if not 0 <= points <= _WHOLE:
        raise NotAPercentage(typed)
    return points


def rate_on(on: date, rates: Sequence[VatRate]) -> VatRate:
    """The rate for a supply dated `on`, whatever the order of `rates`; raises NoRate before the first (VAT-1)."""
    in_force = [rate for rate in rates if has_begun(rate, civil(on))]
    if not in_force:
        raise NoRate(on)
    return max(in_force, key=lambda rate: rate.from_on)


def has_begun(rate: VatRate, today: date) -> bool:
    """Whether tax invoices may name it: from its first day on. Until then it may still be added or withdrawn."""
    return rate.from_on <= today


def split(gross: Money, rate: VatRate) -> VatSplit:
    """Splits a price that includes VAT by the tax fraction, rounded once, half a cent up (VAT-3).

    A negative price (a credit note) splits into exactly the negative parts.
    """
    base = _WHOLE + rate.basis_points
    cents = (2 * abs(gross.amount) * rate.basis_points + base) // (2 * base)
    vat = Money(cents if gross.amount >= 0 else -cents, gross.currency)
    return VatSplit(net=gross - vat, vat=vat, gross=gross, rate=rate)


def split_rest(part: Money, *, given: Money, given_vat: Money, rate: VatRate) -> VatSplit:
    """Splits a part of a price that goes back after `given` (with `given_vat` in it) has gone back already.

    The VAT of the parts together is the VAT of their sum. So parts that return the whole price return its VAT, to the cent.
    A single part never has VAT below zero or above itself."""
    vat = min(max(split(given + part, rate).vat - given_vat, Money.zero(part.currency)), part)
    return VatSplit(net=part - vat, vat=vat, gross=part, rate=rate)


def is_vat_number(typed: str) -> bool:
    """Whether it has the form of a South African VAT number: ten digits, the first a 4 (VAT-6)."""
    return len(typed) == 10 and typed.isascii() and typed.isdigit() and typed.startswith("4")


def document_for(gross: Money) -> InvoiceForm:
    """None up to R50, an abridged one up to R5 000, a full one above (VAT-4).

    Raises NotASupply for a negative amount and MixedCurrencies for anything but rand.
    """
    if gross < Money.zero():
        raise NotASupply(f"{gross} is given back, not supplied: it calls for a credit note")
    if gross <= NONE_UP_TO:
        return InvoiceForm.NONE
    return InvoiceForm.ABRIDGED if gross <= ABRIDGED_UP_TO else InvoiceForm.FULL
