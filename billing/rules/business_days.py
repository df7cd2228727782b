"""Business days of South Africa: what the Consumer Protection Act counts notices in (CPA-2, CPA-3)."""

from datetime import date, timedelta
from functools import cache

from billing.rules.instants import civil

# Public Holidays Act 36 of 1994, schedule 1: month and day.
FIXED = (
    (1, 1),
    (3, 21),
    (4, 27),
    (5, 1),
    (6, 16),
    (8, 9),
    (9, 24),
    (12, 16),
    (12, 25),
    (12, 26),
)
DECLARED: frozenset[date] = frozenset({date(2022, 12, 27), date(2023, 12, 15), date(2024, 5, 29)})
"""Days that the President made public holidays of one year (section 2A), such as those of elections. To be added to."""


def easter_sunday(year: int) -> date:
    """Easter Sunday of the Gregorian calendar, by the anonymous computus of 1876."""
    golden, century, rest = year % 19, year // 100, year % 100
    leap, leap_rest = divmod(century, 4)
    moon = (century - (century + 8) // 25 + 1) // 3
    epact = (19 * golden + century - leap - moon + 15) % 30
    quarter, quarter_rest = divmod(rest, 4)
    weekday = (32 + 2 * leap_rest + 2 * quarter - epact - quarter_rest) % 7
    late = (golden + 11 * epact + 22 * weekday) // 451
    month, day = divmod(epact + weekday - 7 * late + 114, 31)
    return date(year, month, day + 1)


@cache
def public_holidays(year: int) -> frozenset[date]:
    """The public holidays of a year: Good Friday and Family Day beside the fixed ones; one on a Sunday makes the Monday
    after it one too (section 2(1))."""
    easter = easter_sunday(year)
    found = {date(year, month, day) for month, day in FIXED}
    found |= {easter - timedelta(days=2), easter + timedelta(days=1)}
    found |= {on + timedelta(days=1) for on in found if on.weekday() == 6}
    return frozenset(found | {on for on in DECLARED if on.year == year})


def is_business_day(on: date) -> bool:
    """Whether it is neither a Saturday, a Sunday nor a public holiday."""
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
