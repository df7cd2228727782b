"""Another price for a subscription that runs: told at least 30 days ahead, or not charged (CARD-8, CPA-8)."""

from datetime import date, datetime, timedelta

DAYS_BEFORE = 30
"""Whole days of 24 hours between the mail server's acceptance and the first charge of the new price."""
MARGIN_DAYS = 1
"""A notice is sent while at least so many days more are left, for a mail server that takes its time."""
TELL_WITHIN = 45
"""It isn't sent earlier than so many days ahead, or it would be forgotten again. Whoever looks must do so more often than
the days between the two."""


def earliest_start(today: date) -> date:
    """The first day that a notice sent today can be for."""
    return today + timedelta(days=DAYS_BEFORE + MARGIN_DAYS)


def is_time(today: date, starts_on: date) -> bool:
    """Whether a notice for that day is due today."""
    return earliest_start(today) <= starts_on <= today + timedelta(days=TELL_WITHIN)


def in_time(accepted_at: datetime | None, charging_at: datetime) -> bool:
    """Whether the new price may be charged at that instant. None: the mail server never accepted the notice."""
    return accepted_at is not None and charging_at - accepted_at >= timedelta(days=DAYS_BEFORE)
