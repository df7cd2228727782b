"""How long something has waited, in words for staff."""

from datetime import datetime, timedelta

_UNITS = ((timedelta(days=1), "day"), (timedelta(hours=1), "hour"), (timedelta(minutes=1), "minute"))


def age_in_words(since: datetime, at: datetime) -> str:
    """The time from `since` to `at` in its largest unit: "3 days", "1 hour", "under a minute". An instant still to come is that too."""
    for unit, name in _UNITS:
        if (number := (at - since) // unit) >= 1:
            return f"{number} {name}" if number == 1 else f"{number} {name}s"
    return "under a minute"
