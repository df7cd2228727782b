"""What an API key may give away and read in a day, whatever its scopes: a stolen one costs so much and no more."""

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta

from billing.rules.instants import aware
from billing.rules.money import Money

MOST = 2**31 - 1
"""The highest ceiling, which no day reaches."""
HOURS = 24


@dataclass(frozen=True, slots=True)
class Ceilings:
    """The most in a day: cents given back, days given to readers, subscriptions started, different readers read of."""

    cents: int = 100_000
    days: int = 310
    starts: int = 1_000
    readers: int = 5_000


def usual(cents: int) -> Ceilings:
    """Those of a new key for which nothing else is wished, where one admin alone may let a key give so many cents a day."""
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
        return Spent(
            self.cents + other.cents,
            self.days + other.days,
            self.starts + other.starts,
            self.readers + other.readers,
        )


def over(ceilings: Ceilings, spent: Spent) -> Iterator[tuple[str, int, int]]:
    """Each ceiling that is exceeded: its name, its height, and what was spent."""
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
    """What the ceiling is about, so many times, after "may"."""
    if name == "cents":
        return f"give {Money(number).with_vat_words()} back"
    return _WORDS[name].format(number)


def hour_of(at: datetime) -> datetime:
    """The beginning of the hour in which something is counted. Raises NaiveInstant."""
    return aware(at).replace(minute=0, second=0, microsecond=0)


def since(at: datetime) -> datetime:
    """The first of the hours that count at this instant: its own and those of the day before it."""
    return hour_of(at) - timedelta(hours=HOURS - 1)
