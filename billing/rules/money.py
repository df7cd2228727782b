"""Money: whole minor units and a currency, never a float."""

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Self

SIGNS = {"ZAR": "R"}
HIGHEST_PRICE = 99_999_999
"""Cents a period: R999 999.99."""
BASE_CURRENCY = "ZAR"
"""The currency of our books: what readers pay in, and what VAT is owed in."""
_DECIMALS = {
    **dict.fromkeys(("BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "VND", "VUV"), 0),
    **dict.fromkeys(("XAF", "XOF", "XPF"), 0),
    **dict.fromkeys(("BHD", "JOD", "KWD", "OMR", "TND"), 3),
}
"""By ISO 4217, as acquirers count minor units; all others have two."""
_CURRENCY = re.compile(r"[A-Z]{3}")
_NO_BREAK_SPACE = "\u00a0"


class NotMoney(ValueError):
    """An amount is a whole number of cents, and a currency three capital letters."""


class MixedCurrencies(ValueError):
    """Amounts in two currencies cannot be added or compared."""

    def __init__(self, one: str, other: str) -> None:
        super().__init__(f"{one} and {other} cannot be added or compared")


@dataclass(frozen=True, slots=True)
class Money:
    """`amount` minor units of a currency; raises NotMoney for anything but whole ones.

    Ordered within a currency only: comparing two currencies raises MixedCurrencies, as adding them does.
    """

    amount: int
    currency: str = "ZAR"

    def __post_init__(self) -> None:
        if isinstance(self.amount, bool) or not isinstance(self.amount, int):
            raise NotMoney(f"an amount is a whole number of cents, not {self.amount!r}")
        if not isinstance(self.currency, str) or not _CURRENCY.fullmatch(self.currency):
            raise NotMoney(f"a currency is three capital letters, not {self.currency!r}")

    @classmethod
    def zero(cls, currency: str = "ZAR") -> Self:
        """No money, in `currency`: where a sum starts."""
        return cls(0, currency)

    def __add__(self, other: Self) -> Self:
        return type(self)(self.amount + self._amount_of(other), self.currency)

    def __sub__(self, other: Self) -> Self:
        return type(self)(self.amount - self._amount_of(other), self.currency)

    def __neg__(self) -> Self:
        return type(self)(-self.amount, self.currency)

    def __lt__(self, other: Self) -> bool:
        return self.amount < self._amount_of(other)

    def __le__(self, other: Self) -> bool:
        return self.amount <= self._amount_of(other)

    def __gt__(self, other: Self) -> bool:
        return self.amount > self._amount_of(other)

    def __ge__(self, other: Self) -> bool:
        return self.amount >= self._amount_of(other)

    def __str__(self) -> str:
        """`R1 234.50` with no-break spaces, so that an amount never wraps; other currencies by their code."""
        decimals = _DECIMALS.get(self.currency, 2)
        units, rest = divmod(abs(self.amount), 10**decimals)
        digits = grouped(units) + (f".{rest:0{decimals}}" if decimals else "")
        sign = "-" if self.amount < 0 else ""
        return f"{sign}{SIGNS.get(self.currency, self.currency + _NO_BREAK_SPACE)}{digits}"

    def with_vat_words(self) -> str:
        """The amount as a price is always shown: it says that it includes VAT (VAT-2)."""
        return f"{self} incl. VAT"

    def _amount_of(self, other: Self) -> int:
        if not isinstance(other, Money):
            raise NotMoney(f"money goes with money, not with {other!r}")
        if other.currency != self.currency:
            raise MixedCurrencies(self.currency, other.currency)
        return other.amount


def grouped(number: int) -> str:
    """A whole number with its thousands apart."""
    return f"{number:,}".replace(",", _NO_BREAK_SPACE)


def is_currency(code: str) -> bool:
    """Whether Money takes it."""
    return bool(_CURRENCY.fullmatch(code))


def major(minor: int, currency: str = BASE_CURRENCY) -> Decimal:
    """Minor units (cents) as units (rand), with all decimals of the currency: a number, exactly."""
    return Decimal(minor).scaleb(-_DECIMALS.get(currency, 2))


def spelled(minor: int, currency: str) -> str:
    """An amount for people, in any currency that an acquirer names: some names are longer than ISO's."""
    if is_currency(currency):
        return str(Money(minor, currency))
    return f"{currency}{_NO_BREAK_SPACE}{major(minor, currency)}"
