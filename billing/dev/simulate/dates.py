"""The calendar that readers were promised, written down once more from the promise, and from nothing of the engine's.

The simulation judges the engine by it, so none of the engine's own arithmetic may stand here."""

import calendar
from datetime import UTC, date, datetime, time, timedelta
from enum import IntEnum
from zoneinfo import ZoneInfo

ZONE = ZoneInfo("Africa/Johannesburg")
TRIAL_DAYS = 14
GRACE_DAYS = 21
NOTICES = ((8, 7), (4, 3))
"""Days of 24 hours before the first charge: when a notice is sent, and the last at which it may still be."""
MOVED_DAYS = 8
"""No notice, no charge: the first charge is so many days later than the day on which that is seen."""
CHARGE_TIME = time(9)
CENTS = {"monthly": 7500, "yearly": 75000}
MONTHS = {"monthly": 1, "yearly": 12}


class Slot(IntEnum):
    """The moments of a day at which something is done, in minutes after midnight."""

    ROUNDS = 5 * 60 + 10
    """The doctor has been, and the books were compared: the day before is looked at."""
    MORNING = 7 * 60 + 30
    CHARGE = 9 * 60
    """The very minute of a charge: done just before it."""
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
    """The first instant (UTC) at which a charge that is due on a day may be made."""
    return datetime.combine(on, CHARGE_TIME, ZONE).astimezone(UTC)


def day_of(at: datetime) -> date:
    """The civil day of an instant."""
    return at.astimezone(ZONE).date()


def notices(on: date) -> tuple[tuple[datetime, datetime], ...]:
    """Of each notice before a first charge on a day: when it is sent, and the last instant at which it may be."""
    charge = charge_at(on)
    return tuple((charge - timedelta(days=due), charge - timedelta(days=last)) for due, last in NOTICES)


def trial_over(started_on: date) -> date:
    """The day after the fourteen free ones; the day of the start isn't counted."""
    return started_on + timedelta(days=TRIAL_DAYS + 1)


def month_later(anchor: date, months: int) -> date:
    """So many months after an anchor: the same day, or the month's last one."""
    year, month = divmod(anchor.year * 12 + anchor.month - 1 + months, 12)
    return date(year, month + 1, min(anchor.day, calendar.monthrange(year, month + 1)[1]))
