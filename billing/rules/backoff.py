"""How long to wait before asking again: a minute, five, fifteen, then every hour."""

from datetime import datetime, timedelta

WAITS = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 60))


def again_at(tries: int, at: datetime) -> datetime:
    """The next try after `tries` of them (at least one), the last at the instant `at`."""
    return at + WAITS[min(max(tries, 1), len(WAITS)) - 1]
