"""The day of the month on which a monthly plan is charged: the 1st to the 28th, or the month's last day."""

import calendar
from datetime import date

from billing.rules.periods import add_months, civil

LAST = 31
"""The last day of each month, whichever that is."""
DAYS = (*range(1, 29), LAST)
"""The days that can be chosen. The 29th and the 30th aren't in every month."""
ONCE_IN_MONTHS = 12
"""The day can be chosen once in so many months: the days until it are free."""


class NoDayOfEachMonth(ValueError):
    """A day to choose is from 1 to 28, or LAST."""

    def __init__(self, day: int) -> None:
        super().__init__(f"{day} is neither from 1 to 28 nor the last day")
        self.day = day


def first_on(day: int, on: date) -> date:
    """The first such day of a month that isn't before `on`; at most 30 days later. Raises NoDayOfEachMonth."""
    if day not in DAYS:
        raise NoDayOfEachMonth(day)
    found = _in_month_of(day, civil(on))
    return found if found >= on else _in_month_of(day, add_months(on.replace(day=1), 1))


def _in_month_of(day: int, on: date) -> date:
    return on.replace(day=min(day, calendar.monthrange(on.year, on.month)[1]))


def anchor_before(day: int, on: date) -> tuple[date, int]:
    """The anchor of periods of which one begins `on`, and the months from it to there. February has no 31st, so the last day of a
    month counts from January's."""
    if day != LAST:
        return on, 0
    return date(on.year, 1, LAST), on.month - 1


def choosable_from(chosen_on: date) -> date:
    """From when on another day can be chosen after one was."""
    return add_months(chosen_on, ONCE_IN_MONTHS)


def in_words(day: int) -> str:
    """The day in English, for staff: "the 25th", "the last day". `notices.charge_day.day_in_words` says it to readers."""
    if day == LAST:
        return "the last day"
    ending = "th" if 10 < day < 20 else {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")
    return f"the {day}{ending}"
