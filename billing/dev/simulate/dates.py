"""The promised calendar, written a second time from the promise and not from the engine.

The simulation checks the engine by it, so it must not use the engine's own date arithmetic."""

import calendar
from datetime import UTC, date, datetime, time, timedelta
from enum import IntEnum
from zoneinfo import ZoneInfo

ZONE = ZoneInfo("Africa/Johannesburg")
TRIAL_DAYS = 14
GRACE_DAYS = 21
COOLING_OFF_DAYS = 14
NOTICES = ((8, 7), (4, 3))
"""For each notice, days of 24 hours before the first charge: when it is sent, and the latest when it may be."""
MOVED_DAYS = 8
"""No notice, no charge: the first charge moves to this many days after the missing notice is detected."""
CHARGE_TIME = time(9)
CENTS = {"monthly": 7500, "yearly": 75000}
MONTHS = {"monthly": 1, "yearly": 12}


class Slot(IntEnum):
    """The times of day at which acts happen, in minutes after midnight."""

    ROUNDS = 5 * 60 + 10
    """After the doctor's visit and the comparison of the books, for the day before."""
    MORNING = 7 * 60 + 30
    CHARGE = 9 * 60
    """The minute of a charge; the act comes just before it."""
    AFTERNOON = 15 * 60
    EVENING = 20 * 60 + 30
    MIDNIGHT = 23 * 60 + 59


def moment(on: date, slot: Slot) -> datetime:
    """The instant (UTC) of a slot on a civil day."""
    hours, minutes = divmod(slot, 60)
    return datetime.combine(on, time(hours, minutes), ZONE).astimezone(UTC)


def start_of(on: date) -> datetime:
    """The instant (UTC) at which a civil day begins."""
    return datetime.combine(on, time(), ZONE).astimezone(UTC)


def charge_at(on: date) -> datetime:
    """The first instant (UTC) at which a charge due on a day may be made."""
    return datetime.combine(on, CHARGE_TIME, ZONE).astimezone(UTC)


def day_of(at: datetime) -> date:
    """The civil day of an instant."""
    return at.astimezone(ZONE).date()


def notices(on: date) -> tuple[tuple[datetime, datetime], ...]:
    """For each notice before a first charge on this day: when it is sent, and the last instant when it may be."""
    charge = charge_at(on)
    return tuple((charge - timedelta(days=due), charge - timedelta(days=last)) for due, last in NOTICES)


def trial_over(started_on: date) -> date:
    """The day after the fourteen free days; the day of the start doesn't count."""
    return started_on + timedelta(days=TRIAL_DAYS + 1)


def month_later(anchor: date, months: int) -> date:
    """The date `months` months after an anchor: the same day, or the month's last."""
    year, month = divmod(anchor.year * 12 + anchor.month - 1 + months, 12)
    return date(year, month + 1, min(anchor.day, calendar.monthrange(year, month + 1)[1]))


def day_from(on: date, day: str) -> date:
    """The first day from `on` that is this day of its month; `last` is the month's last."""
    while on.day != (calendar.monthrange(on.year, on.month)[1] if day == "last" else int(day)):
        on += timedelta(days=1)
    return on
