"""A fixed term, such as a year: when its end is announced, and what goes back when a reader leaves early (CPA-2)."""

from datetime import date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from billing.rules import business_days
from billing.rules.notices import NoticeWindow
from billing.rules.periods import at_time, start_of_day

EARLIEST, AIM, LATEST = 79, 60, 41
"""Business days before the end of a term: a day inside the law's 80 and 40, so that every way of counting agrees."""
NOTICE_TIME = time(9)
MOST_NOTICE = 20
"""The longest notice, in business days, that the law lets us ask of a reader who leaves early (CPA-2)."""


def window(ends_on: date, zone: ZoneInfo) -> NoticeWindow:
    """The window of the notice for a term whose first day after it is `ends_on`."""
    last_day = ends_on - timedelta(days=1)
    return NoticeWindow(
        start_of_day(business_days.before(last_day, EARLIEST), zone),
        at_time(business_days.before(last_day, AIM), NOTICE_TIME, zone),
        at_time(business_days.before(last_day, LATEST), time(23, 59, 59), zone),
    )


class Announced(StrEnum):
    """What becomes of the notice of a term's end when the end moves to a later day."""

    STANDS = "stands"
    """It was accepted in the window of the later day too."""
    AFRESH = "afresh"
    """There is time for another one."""
    CORRECTED = "corrected"
    """It was accepted too early for the later day, and it is too late for another. The reader knows what
    follows the term, so a corrected notice with the later day is enough."""
    LATE = "late"
    """None was accepted, and there is no time for one: the term has to end later still."""


def announced_after(accepted_at: datetime | None, ends_on: date, at: datetime, zone: ZoneInfo) -> Announced:
    """What becomes of a notice that was in time for an earlier end, when the end moves to `ends_on` at the instant `at`.
    None: none was accepted. It can't be too late for a later day, only too early (CPA-2)."""
    new = window(ends_on, zone)
    if accepted_at is not None and new.holds(accepted_at):
        return Announced.STANDS
    if at <= new.closes_at:
        return Announced.AFRESH
    return Announced.LATE if accepted_at is None else Announced.CORRECTED


def extended_end(today: date) -> date:
    """The first day after a term that is extended `today` because its notice was late: there is time for a notice again."""
    # four business days in which a mail server can accept it
    return business_days.after(today, LATEST + 4) + timedelta(days=1)


def leaves_on(today: date, notice_days: int) -> date:
    """The last day of reading for a reader who leaves a term `today`, with so many business days of notice."""
    return business_days.after(today, min(notice_days, MOST_NOTICE))


def unused_cents(gross: int, start_on: date, end_on: date, last_day: date) -> int:
    """Cents that go back when the last day of a term, up to and without `end_on`, is `last_day`. By the day, rounded up, no penalty."""
    days = (end_on - start_on).days
    unused = max(0, min(days, (end_on - last_day).days - 1))
    return -(-gross * unused // days)
