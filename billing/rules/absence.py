"""When a thing that is missing from a list counts as absent: a list may lack what has just been made."""

from datetime import datetime, timedelta

LISTED_WITHIN = timedelta(minutes=5)
"""After so long an acquirer's list holds what was made. None promises as much; we ask after outages, when lists lag most."""


def is_absent(missing_since: datetime | None, at: datetime) -> bool:
    """Whether a thing is absent for certain: it was missing at the instant `missing_since`, is missing at `at`, and wasn't made by us
    in between."""
    return missing_since is not None and at - missing_since >= LISTED_WITHIN
