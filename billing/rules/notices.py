"""The two notices before a first charge: no notice, no charge (CARD-4)."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from billing.rules.periods import aware


class Notice(StrEnum):
    """The notices before the first charge: Visa wants one at least 7 days ahead, Mastercard one 7 to 3."""

    FIRST = "first"
    SECOND = "second"


@dataclass(frozen=True, slots=True)
class NoticeWindow:
    """When the mail server must have accepted a notice: `opens_at` to `closes_at` (UTC), both included.

    `aim_at` is when to send it; from then on it is due.
    """

    opens_at: datetime
    aim_at: datetime
    closes_at: datetime

    def holds(self, at: datetime) -> bool:
        """Whether `at` lies in the window; raises NaiveInstant."""
        return self.opens_at <= aware(at) <= self.closes_at


# Whole days of 24 hours before the charge: opens, aims, closes.
DAYS_BEFORE: dict[Notice, tuple[int, int, int]] = {Notice.FIRST: (9, 8, 7), Notice.SECOND: (7, 4, 3)}


def window(notice: Notice, charge_at: datetime) -> NoticeWindow:
    """The window of `notice` for a charge at `charge_at`, in days of 24 hours; raises NaiveInstant."""
    charge_at = aware(charge_at)
    return NoticeWindow(*(charge_at - timedelta(days=days) for days in DAYS_BEFORE[notice]))


def in_time(
    first_accepted_at: datetime | None, second_accepted_at: datetime | None, charging_at: datetime
) -> bool:
    """Whether a first charge at the instant `charging_at` is allowed: both notices lie in their windows.

    `charging_at` is the instant of the charge itself, not the one planned: a charge that runs late
    measures its notices again. None: the mail server never accepted that notice. Raises NaiveInstant.
    """
    accepted = {Notice.FIRST: first_accepted_at, Notice.SECOND: second_accepted_at}
    return all(at is not None and window(notice, charging_at).holds(at) for notice, at in accepted.items())
