"""How long codes of a second factor are refused after wrong ones: longer each time, never for good (6.3.1)."""

from datetime import datetime, timedelta

MOST_WRONG = 5
"""Wrong codes in a row before a lock. Three of a million codes are valid at any moment."""
_LENGTHS = tuple(timedelta(minutes=minutes) for minutes in (15, 60, 240, 720))
_LONGEST_AT_HOME = timedelta(hours=1)
"""The longest lock in a browser where the member has signed in before: guessing there takes the member's own machine."""
FORGOTTEN_AFTER = timedelta(days=7)
"""How long after a lock the next one is as short as the first."""


def length(locks_before: int, *, known: bool) -> timedelta:
    """How long a lock lasts after `locks_before` earlier ones. `known`: the member has signed in with this browser before."""
    lock = _LENGTHS[min(locks_before, len(_LENGTHS) - 1)]
    return min(lock, _LONGEST_AT_HOME) if known else lock


def still_counted(locks: int, locked_until: datetime | None, at: datetime) -> int:
    """How many earlier locks make the next one longer."""
    if locked_until is None or at - locked_until > FORGOTTEN_AFTER:
        return 0
    return locks
