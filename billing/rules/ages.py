"""How long something has waited, in words."""

from datetime import timedelta

_UNITS = ((timedelta(days=1), "day"), (timedelta(hours=1), "hour"), (timedelta(minutes=1), "minute"))


def age_in_words(age: timedelta) -> str:
    """The age in its largest whole unit, as in "3 hours": a list is read for what is old, not for seconds."""
    for unit, name in _UNITS:
        if (number := age // unit) > 0:
            return f"{number} {name}" if number == 1 else f"{number} {name}s"
    return "less than a minute"
