"""The trial: how long it is free, and when the first charge may be made (CARD-10)."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from billing.rules import notices
from billing.rules.periods import at_time, civil, civil_date, start_of_day

CHARGE_TIME = time(9)
EXTENSION_DAYS = 8
SHORTEST, LONGEST = 1, 90
"""The fewest and the most free days that a plan may have."""


class NotATrial(ValueError):
    """A trial lasts at least one day."""

    def __init__(self, days: int) -> None:
        super().__init__(f"a trial lasts at least one day, not {days}")
        self.days = days


def last_free_day(signed_up_on: date, days: int) -> date:
    """The last civil day that is free: the day of sign-up is not counted. Raises NotATrial below one day."""
    if days < 1:
        raise NotATrial(days)
    return civil(signed_up_on) + timedelta(days=days)


def first_charge_on(signed_up_on: date, days: int) -> date:
    """The day of the first charge: the one after the last free day."""
    return last_free_day(signed_up_on, days) + timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialDates:
    """The calendar of a trial: `free_until` is the last free day, the charge is on the next."""

    days: int
    free_until: date
    first_notice_on: date
    second_notice_on: date
    first_charge_on: date


@lru_cache(64)  # each page with an offer asks for the same few
def dates(signed_up_on: date, days: int, zone: ZoneInfo) -> TrialDates:
    """The calendar of a trial that starts on that day, its notices on their aimed days."""
    charge_on = first_charge_on(signed_up_on, days)
    first, second = (notice_on(which, charge_on, zone) for which in notices.Notice)
    return TrialDates(
        days=days,
        free_until=last_free_day(signed_up_on, days),
        first_notice_on=first,
        second_notice_on=second,
        first_charge_on=charge_on,
    )


def notice_on(which: notices.Notice, charge_on: date, zone: ZoneInfo) -> date:
    """The civil day on which a notice of a charge due on `charge_on` is to be sent."""
    return civil_date(notices.window(which, charge_at(charge_on, zone)).aim_at, zone)


def charge_at(charge_on: date, zone: ZoneInfo) -> datetime:
    """The earliest instant (UTC) of a charge due on `charge_on`: 09:00 in `zone`."""
    return at_time(charge_on, CHARGE_TIME, zone)


def charging_day(at: datetime, zone: ZoneInfo) -> date:
    """The civil day whose charges are due at the instant `at`: before 09:00 in `zone` that is the day before."""
    today = civil_date(at, zone)
    return today if at >= charge_at(today, zone) else today - timedelta(days=1)


def free_until(charge_on: date, zone: ZoneInfo) -> datetime:
    """The instant (UTC, exclusive) at which the free days end: the start of the day of the charge."""
    return start_of_day(charge_on, zone)


def extended_charge_on(today: date) -> date:
    """The day of the first charge of a trial extended `today` because its notices missed their windows. Eight days ahead leave room
    for both notices at any hour of today: the first may still be accepted until seven days before the charge (CARD-4)."""
    return civil(today) + timedelta(days=EXTENSION_DAYS)
