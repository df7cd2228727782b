"""How long to wait before asking again: a minute, five, fifteen, then every hour. Seconds where the acquirer only wants fewer calls."""

from datetime import datetime, timedelta

LONGEST_BUSY = timedelta(minutes=5)
WAITS = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 60))


def again_at(tries: int, at: datetime) -> datetime:
    """When to try next, after `tries` tries (at least one) of which the last was at `at`."""
    return at + WAITS[min(max(tries, 1), len(WAITS)) - 1]


def after_busy(tries: int, at: datetime, *, asked: timedelta | None, chance: float) -> datetime:
    """When to try next, after `tries` answers (at least one) that we are too fast. The wait is what was `asked` for, else two
    seconds, four, eight, up to five minutes (STR-9).

    `chance`, from 0 to 1, adds up to half of it, so that calls refused together don't return together."""
    # 2¹⁰ seconds are past the longest wait; without that limit, a long outage would overflow the timedelta
    wait = asked if asked is not None else min(timedelta(seconds=2 ** min(max(tries, 1), 10)), LONGEST_BUSY)
    return at + wait * (1 + chance / 2)
