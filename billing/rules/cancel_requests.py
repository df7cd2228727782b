"""A request to cancel that staff haven't answered: how long it holds a charge, and when a cancellation counts from it."""

from datetime import date, datetime, timedelta

from billing.rules.periods import aware, civil

HOLD_DAYS = 7
"""Civil days by which an open request postpones a due charge, once."""
ANSWER_WITHIN = timedelta(days=2)
"""The age at which an open request alarms staff: well before the charge that it postpones."""


def held_until(today: date) -> date:
    """The new day of a charge that was due `today`."""
    return civil(today) + timedelta(days=HOLD_DAYS)


def retry_held_until(today: date, gives_up_on: date) -> date | None:
    """The new day of a retry that was due `today`: before `gives_up_on`, as nothing is charged from then on. None: no day is
    left, so the retry isn't postponed."""
    until = min(held_until(today), civil(gives_up_on) - timedelta(days=1))
    return until if until > today else None


def counts_from(requested_at: datetime | None, at: datetime) -> datetime:
    """The moment from which a cancellation by the reader at `at` counts: that of an open request of the last days, else `at`.
    Such a request postpones charges, so a charge since then had begun before it, and goes back. A form posted in spring
    doesn't make the summer free. Raises NaiveInstant."""
    if requested_at is None or aware(at) - aware(requested_at) > timedelta(days=HOLD_DAYS):
        return at
    return requested_at
