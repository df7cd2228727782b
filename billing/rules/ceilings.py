"""What an API key may give away and read in a day, whatever its scopes: so that a stolen key costs no more."""

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta

from billing.rules.money import Money
from billing.rules.periods import aware

MOST = 2**31 - 1
"""The highest ceiling: no day reaches it."""
HOURS = 24


@dataclass(frozen=True, slots=True)
class Ceilings:
    """The most in a day: cents given back, days given to readers, subscriptions started, different readers read of."""

    cents: int = 100_000
    days: int = 310
    starts: int = 1_000
    readers: int = 5_000


def usual(cents: int) -> Ceilings:
    """The ceilings of a new key without others. One admin alone may let a key give back at most `cents` a day."""
    ceilings = Ceilings()
    return replace(ceilings, cents=min(ceilings.cents, cents))


ENDLESS = Ceilings(MOST, MOST, MOST, MOST)
"""For programs of our own that act for thousands of readers."""


@dataclass(frozen=True, slots=True)
class Spent:
    """What a key gave within a day, in the same units."""

    cents: int = 0
    days: int = 0
    starts: int = 0
    readers: int = 0

    def __add__(self, other: "Spent") -> "Spent":
        """Both together."""
        return Spent(*(getattr(self, each.name) + getattr(other, each.name) for each in fields(self)))


def over(ceilings: Ceilings, spent: Spent) -> Iterator[tuple[str, int, int]]:
    """Each exceeded ceiling: its name, its height, and what was spent."""
    for field in fields(ceilings):
        most, used = getattr(ceilings, field.name), getattr(spent, field.name)
        if used > most:
            yield field.name, most, used


_WORDS = {
    "days": "give {:,} days to readers",
    "starts": "start {:,} subscriptions",
    "readers": "read of {:,} readers",
}


def in_words(name: str, number: int) -> str:
    """A ceiling in words that follow "may", such as "give 310 days to readers"."""
    if name == "cents":
        return f"give {Money(number).with_vat_words()} back"
    return _WORDS[name].format(number)


def hour_of(at: datetime) -> datetime:
    """The start of the hour of an instant. Raises NaiveInstant."""
    return aware(at).replace(minute=0, second=0, microsecond=0)


def since(at: datetime) -> datetime:
    """The start of the first hour that counts at an instant: its own hour and the 23 before it."""
    return hour_of(at) - timedelta(hours=HOURS - 1)
