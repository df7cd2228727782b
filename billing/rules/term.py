"""A fixed term, such as a year: when its end is announced, and what goes back to whoever leaves early (CPA-2)."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from billing.rules import business_days
from billing.rules.periods import at_time, start_of_day

EARLIEST, AIM, LATEST = 79, 60, 41
"""Business days before the end of a term, a day inside the 80 and 40 of the law, so that no way of counting is outside."""
NOTICE_TIME = time(9)
MOST_NOTICE = 20
"""Business days of notice that may be asked of whoever leaves early; the law allows no more (CPA-2)."""


@dataclass(frozen=True, slots=True)
class TermNoticeWindow:
    """When the mail server must have accepted the notice: both ends included (UTC). It is sent from `aim_at` on."""

    opens_at: datetime
    aim_at: datetime
    closes_at: datetime

    def holds(self, at: datetime) -> bool:
        """Whether the instant lies in it."""
        return self.opens_at <= at <= self.closes_at


def window(ends_on: date, zone: ZoneInfo) -> TermNoticeWindow:
    """The window of the notice for a term whose first day after it is `ends_on`."""
    last_day = ends_on - timedelta(days=1)
    return TermNoticeWindow(
        start_of_day(business_days.before(last_day, EARLIEST), zone),
        at_time(business_days.before(last_day, AIM), NOTICE_TIME, zone),
        at_time(business_days.before(last_day, LATEST), time(23, 59, 59), zone),
    )


class Announced(StrEnum):
    """What becomes of the notice of a term's end when the end moves to a later day."""

    STANDS = "stands"
    """It was accepted in the window of the later day too."""
    AFRESH = "afresh"
    """There is time for another one, as for any term."""
    CORRECTED = "corrected"
    """It was accepted in time, more than 80 business days before the later day, and another can't be any more: the reader
    knows that the term ends and how it goes on, so a corrected one that names the later day is enough."""
    LATE = "late"
    """None was accepted, and there is no time for one: the term has to end later still."""


def announced_after(told_at: datetime | None, ends_on: date, at: datetime, zone: ZoneInfo) -> Announced:
    """What becomes of a notice accepted `told_at`, in time for an earlier end, when the end moves to `ends_on` at the instant
    `at`. None: none was accepted. It can't be too late for a later day, only too early (CPA-2)."""
    found = window(ends_on, zone)
    if told_at is not None and found.holds(told_at):
        return Announced.STANDS
    if at <= found.closes_at:
        return Announced.AFRESH
    return Announced.LATE if told_at is None else Announced.CORRECTED


def extended_end(today: date) -> date:
    """The first day after a term that is made longer `today` because its notice came too late: there is time for it again."""
    return business_days.after(today, LATEST + 4) + timedelta(days=1)


def leaves_on(today: date, notice_days: int) -> date:
    """The last day of reading for whoever leaves a term `today` with so many business days of notice."""
    return business_days.after(today, min(notice_days, MOST_NOTICE))


def unused_cents(gross: int, start_on: date, end_on: date, last_day: date) -> int:
    """Cents of a term that go back when its last day is `last_day`: by the day, rounded up for the reader, without a penalty.

    `end_on` is the first day after the term."""
    days = (end_on - start_on).days
    unused = max(0, min(days, (end_on - last_day).days - 1))
    return -(-gross * unused // days)
