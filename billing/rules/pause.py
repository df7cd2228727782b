"""A pause: from the end of what is paid, for whole months, then it goes on by itself."""

from dataclasses import dataclass
from datetime import date

from billing.rules.periods import add_months

MOST_BY_STAFF = 6
"""Months that staff may give at most."""


@dataclass(frozen=True, slots=True)
class Pause:
    """Civil days without reading and without a charge: from `start_on` up to, and without, `resumes_on`."""

    months: int
    start_on: date
    resumes_on: date


def of(paid_until: date, months: int) -> Pause:
    """The pause of so many months behind what is paid, whose first day after it is `paid_until`."""
    if months < 1:
        raise ValueError(f"a pause lasts at least one month, not {months}")
    return Pause(months, paid_until, add_months(paid_until, months))
