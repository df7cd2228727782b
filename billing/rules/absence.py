"""When a thing that is missing from a list counts as absent: a list may lack what has just been made."""

from datetime import datetime, timedelta

LISTED_WITHIN = timedelta(minutes=5)
"""How long a new object may be missing from an acquirer's list. No acquirer promises a limit; after outages lists lag most."""


def is_absent(missing_since: datetime | None, at: datetime) -> bool:
    """Whether a thing that is missing at `at` is absent for certain. It was missing at `missing_since` (None: it wasn't), and
    we didn't make it in between."""
    return missing_since is not None and at - missing_since >= LISTED_WITHIN
