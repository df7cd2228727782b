"""Another price for a running subscription: announced at least 30 days ahead, or not charged (CARD-8, CPA-8)."""

from datetime import date, datetime, timedelta

DAYS_BEFORE = 30
"""Whole days of 24 hours between the mail server's acceptance and the first charge of the new price."""
MARGIN_DAYS = 1
"""A notice is sent only while this many days more are left, for a slow mail server."""
ANNOUNCE_WITHIN = 45
"""A notice is sent no earlier than this many days ahead, so that readers remember it. The job that sends notices must run
more often than the days between the two limits."""


def earliest_start(today: date) -> date:
    """The first day for which a notice sent today is in time."""
    return today + timedelta(days=DAYS_BEFORE + MARGIN_DAYS)


def is_time(today: date, starts_on: date) -> bool:
    """Whether a notice of a price that starts on that day is due today."""
    return earliest_start(today) <= starts_on <= today + timedelta(days=ANNOUNCE_WITHIN)


def in_time(accepted_at: datetime | None, charging_at: datetime) -> bool:
    """Whether the new price may be charged at `charging_at`. None: the mail server never accepted the notice."""
    return accepted_at is not None and charging_at - accepted_at >= timedelta(days=DAYS_BEFORE)
