"""How long a second factor's codes aren't taken after wrong ones: longer each time, and never for good (6.3.1)."""

from datetime import datetime, timedelta

MOST_WRONG = 5
"""Wrong codes in a row before a lock. Three codes of a million are good at a moment."""
_LENGTHS = tuple(timedelta(minutes=minutes) for minutes in (15, 60, 240, 720))
_LONGEST_AT_HOME = timedelta(hours=1)
"""In a browser in which the member has signed in before: it takes the member's own machine to guess there."""
FORGOTTEN_AFTER = timedelta(days=7)
"""How long after a lock the next one is as short as the first."""


def length(locks_before: int, *, known: bool) -> timedelta:
    """How long a lock lasts that comes after so many."""
    found = _LENGTHS[min(locks_before, len(_LENGTHS) - 1)]
    return min(found, _LONGEST_AT_HOME) if known else found


def still_counted(locks: int, locked_until: datetime | None, at: datetime) -> int:
    """How many earlier locks make the next one longer."""
    if locked_until is None or at - locked_until > FORGOTTEN_AFTER:
        return 0
    return locks
