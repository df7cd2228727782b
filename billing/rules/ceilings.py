"""What an API key may give away and read in a day, whatever its scopes: a stolen one costs so much and no more."""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from datetime import datetime, timedelta

from billing.rules.instants import aware
from billing.rules.money import Money

MOST = 2**31 - 1
"""The highest ceiling, which no day reaches."""
HOURS = 24


@dataclass(frozen=True, slots=True)
class Ceilings:
    """The most in a day: cents given back, days given to readers, subscriptions started."""

    cents: int = 100_000
    days: int = 310
    starts: int = 1_000


ENDLESS = Ceilings(MOST, MOST, MOST)
"""For programs of our own that act for thousands of readers."""


@dataclass(frozen=True, slots=True)
class Spent:
    """What a key gave within a day, in the same units."""

    cents: int = 0
    days: int = 0
    starts: int = 0

    def __add__(self, other: "Spent") -> "Spent":
        """Both together."""
        return Spent(self.cents + other.cents, self.days + other.days, self.starts + other.starts)


def over(ceilings: Ceilings, spent: Spent) -> Iterator[tuple[str, int, int]]:
    """Each ceiling that is exceeded: its name, its height, and what was spent."""
    for field in fields(ceilings):
        most, used = getattr(ceilings, field.name), getattr(spent, field.name)
        if used > most:
            yield field.name, most, used


def in_words(name: str, number: int) -> str:
    """A number of what the ceiling is about."""
    if name == "cents":
        return f"{Money(number).with_vat_words()} back"
    return f"{number:,} {'days to readers' if name == 'days' else 'subscriptions begun'}"


def hour_of(at: datetime) -> datetime:
    """The beginning of the hour in which something is counted. Raises NaiveInstant."""
    return aware(at).replace(minute=0, second=0, microsecond=0)


def since(at: datetime) -> datetime:
    """The first of the hours that count at this instant: its own and those of the day before it."""
    return hour_of(at) - timedelta(hours=HOURS - 1)
