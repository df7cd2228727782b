"""Business days of South Africa: what the Consumer Protection Act counts notices in (CPA-2, CPA-3)."""

from datetime import date, timedelta
from functools import cache

import holidays

from billing.rules.periods import civil


@cache
def public_holidays(year: int) -> frozenset[date]:
    """The public holidays of a year (Act 36 of 1994), with those that the President declared for that year alone.

    Such a day, often one of elections, becomes known with a new release of `holidays`.
    """
    # By name, not by class: importing `holidays.countries` loads the modules of all countries.
    return frozenset(holidays.country_holidays("ZA", years=year))


def is_business_day(on: date) -> bool:
    """Whether the day is neither a Saturday, a Sunday nor a public holiday."""
    return on.weekday() < 5 and civil(on) not in public_holidays(on.year)


def after(on: date, count: int) -> date:
    """The last of `count` business days counted from `on`, which itself isn't counted (CPA-3)."""
    return _walk(on, count, timedelta(days=1))


def before(on: date, count: int) -> date:
    """The day from which `on` is `count` business days away: the last day on which so much notice can be given."""
    return _walk(on, count, timedelta(days=-1))


def _walk(on: date, count: int, step: timedelta) -> date:
    if count < 0:
        raise ValueError(f"business days are counted from 0, not {count}")
    while count:
        on += step
        count -= is_business_day(on)
    return on


def between(first: date, last: date) -> int:
    """How many business days lie after `first`, up to and with `last` (CPA-3); 0 when there are none."""
    days = (first + timedelta(days=n) for n in range(1, (last - first).days + 1))
    return sum(map(is_business_day, days))
