"""A request to cancel that staff haven't answered: how long it holds a charge, and when a cancellation counts from it."""

from datetime import date, datetime, timedelta

from billing.rules.instants import aware, civil

HOLD_DAYS = 7
"""Civil days by which a due charge is put off, once, while a request to cancel is open."""
ANSWER_WITHIN = timedelta(days=2)
"""Staff are alarmed when a request to cancel is older: well before a charge that it holds."""


def held_until(today: date) -> date:
    """The new day of a charge that was due `today`."""
    return civil(today) + timedelta(days=HOLD_DAYS)


def retry_held_until(today: date, gives_up_on: date) -> date | None:
    """The new day of a retry that was due `today`: no later than the day before the grace is over, as nothing is charged from then
    on. None: no day is left, so the retry isn't put off."""
    until = min(held_until(today), civil(gives_up_on) - timedelta(days=1))
    return until if until > today else None


def counts_from(requested_at: datetime | None, at: datetime) -> datetime:
    """The moment from which a cancellation by the reader at `at` counts: that of the request, where one is open and so young that
    any charge since then had begun before it; else `at`. So what raced the request goes back, and a form posted in
    spring doesn't make the summer free. Raises NaiveInstant."""
    if requested_at is None or aware(at) - aware(requested_at) > timedelta(days=HOLD_DAYS):
        return at
    return requested_at
