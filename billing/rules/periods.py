"""The civil calendar: instants and civil dates, days in the publisher's zone, paid periods counted from the anchor."""

from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

MOST_MONTHS = 24
"""The longest period that a plan may have."""


class NaiveInstant(ValueError):
    """An instant must carry its offset: a naive datetime does not say which moment it means."""

    def __init__(self, at: datetime) -> None:
        super().__init__(f"{at.isoformat()} is naive: an instant must carry its offset")
        self.at = at


class NotACivilDate(ValueError):
    """A civil date was asked for and an instant came: which day it is depends on the zone."""

    def __init__(self, on: datetime) -> None:
        super().__init__(f"{on.isoformat()} is an instant: take its civil date in the publisher's zone first")
        self.on = on


def aware(at: datetime) -> datetime:
    """`at` in UTC; raises NaiveInstant when it has no offset."""
    if at.utcoffset() is None:
        raise NaiveInstant(at)
    return at.astimezone(UTC)


def civil(on: date) -> date:
    """`on` itself; raises NotACivilDate for a datetime, which is a `date` in Python."""
    if isinstance(on, datetime):
        raise NotACivilDate(on)
    return on


class NoSuchPeriod(ValueError):
    """Periods are numbered from 1, start at the anchor and last whole months."""


@dataclass(frozen=True, slots=True)
class Period:
    """The `number`th period: civil days from `start_on` up to, and without, `end_on`."""

    number: int
    start_on: date
    end_on: date


def civil_date(at: datetime, zone: ZoneInfo) -> date:
    """The day that the calendar in `zone` shows at the instant `at`; raises NaiveInstant."""
    return aware(at).astimezone(zone).date()


def last_day_before(until: datetime, zone: ZoneInfo) -> date:
    """The last civil day before an instant at which something ends: midnight ends the day before. Raises NaiveInstant."""
    return civil_date(until - timedelta(microseconds=1), zone)


def start_of_day(on: date, zone: ZoneInfo) -> datetime:
    """The instant (UTC) at which the day `on` begins in `zone`.

    Where the clock jumps over midnight the day begins at the jump. A day that the zone skips begins where the next one does.
    """
    return at_time(on, time.min, zone)


def at_time(on: date, clock_time: time, zone: ZoneInfo) -> datetime:
    """The instant (UTC) at which clocks in `zone` show `clock_time` on the day `on`.

    A time shown twice means the first showing. A time that the clock jumps over moves by the length of the jump: work is late
    on such a day, never early.
    Raises NotACivilDate for an instant.
    """
    return datetime.combine(civil(on), clock_time.replace(tzinfo=None, fold=0), tzinfo=zone).astimezone(UTC)


def add_months(anchor: date, months: int) -> date:
    """`anchor` moved by whole months, clamped to the month's end: 31 Jan, 28 Feb, 31 Mar.

    Only exact from the anchor itself: 31 Jan + 1 + 1 months is 28 Mar. Raises NotACivilDate for an instant.
    """
    year, month = divmod(civil(anchor).year * 12 + anchor.month - 1 + months, 12)
    return date(year, month + 1, min(anchor.day, monthrange(year, month + 1)[1]))


def last_of_month(year: int, month: int) -> date:
    """The last civil day of a month: a card is good through it."""
    return date(year, month, monthrange(year, month)[1])


def nth(anchor: date, number: int, months: int = 1) -> Period:
    """The `number`th period of `months` months each; the first starts on `anchor`.

    Computed from the immutable anchor, never from the period before: so a short month costs no later day. Raises NoSuchPeriod for a number or a length below 1.
    """
    if number < 1:
        raise NoSuchPeriod(f"periods are numbered from 1, not {number}")
    if months < 1:
        raise NoSuchPeriod(f"a period lasts at least one month, not {months}")
    return Period(number, add_months(anchor, (number - 1) * months), add_months(anchor, number * months))


def containing(anchor: date, on: date, months: int = 1) -> Period:
    """The period in which the day `on` lies; raises NoSuchPeriod before the anchor."""
    if civil(on) < civil(anchor):
        raise NoSuchPeriod(f"{on.isoformat()} is before the anchor {anchor.isoformat()}")
    if months < 1:
        raise NoSuchPeriod(f"a period lasts at least one month, not {months}")
    passed = ((on.year - anchor.year) * 12 + on.month - anchor.month) // months
    if add_months(anchor, passed * months) > on:
        passed -= 1
    return nth(anchor, passed + 1, months)
