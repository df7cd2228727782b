"""A pause: from the end of what is paid, for whole months, then it goes on by itself."""

from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from billing.rules.periods import add_months, start_of_day

MOST_BY_STAFF = 6
"""The longest pause that staff may give, in months."""


@dataclass(frozen=True, slots=True)
class PauseSpan:
    """Civil days without reading and without a charge: from `start_on` up to, and without, `resumes_on`."""

    months: int
    start_on: date
    resumes_on: date


def resumes_at(resumes_on: date | None, zone: ZoneInfo) -> datetime | None:
    """The first instant after a pause. The reader reads from then on, even where the worker ends the pause late."""
    return start_of_day(resumes_on, zone) if resumes_on is not None else None


def of(paid_until: date, months: int) -> PauseSpan:
    """The pause of so many months after what is paid. `paid_until` is the first day that isn't. Raises ValueError below one month."""
    if months < 1:
        raise ValueError(f"a pause lasts at least one month, not {months}")
    return PauseSpan(months, paid_until, add_months(paid_until, months))
