"""How long to wait before asking again: a minute, five, fifteen, then every hour; seconds when we were only too fast."""

from datetime import datetime, timedelta

LONGEST_BUSY = timedelta(minutes=5)
WAITS = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 60))


def again_at(tries: int, at: datetime) -> datetime:
    """The next try after `tries` of them (at least one), the last at the instant `at`."""
    return at + WAITS[min(max(tries, 1), len(WAITS)) - 1]


def after_busy(tries: int, at: datetime, *, asked: timedelta | None, chance: float) -> datetime:
    """The next try after being told `tries` times (at least once) that we are too fast: not before what was `asked` for,
    else two seconds, four, eight, up to five minutes (STR-9).

    `chance`, from 0 to 1, adds up to half of that, so that those who were refused together don't come back together."""
    wait = asked if asked is not None else min(timedelta(seconds=2 ** min(max(tries, 1), 10)), LONGEST_BUSY)
    return at + wait * (1 + chance / 2)
