"""How often may something be tried (SEC-8)? Counted in the database, so that all web processes count together."""

from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from sqlmodel import Session

from billing.errors import TooMany
from billing.tokens import Tokens

_COUNT = sa.text(
    "INSERT INTO rate_count (bucket, window_start, tries) VALUES (:bucket, :start, 1)"
    " ON CONFLICT (bucket, window_start) DO UPDATE SET tries = rate_count.tries + 1"
)
_SUM = sa.text("SELECT sum(tries) FROM rate_count WHERE bucket = :bucket AND window_start > :since")
_STEPS = 10
"""A window slides in tenths of its length, so that the turn of a fixed window lets nobody try twice as often."""


def count(
    session: Session, tokens: Tokens, what: str, whose: str, *, limit: int, per: timedelta, at: datetime
) -> None:
    """Count one try of `what` by `whose`; raises TooMany above `limit` in any stretch of length `per`.

    Commit this also when the try itself fails: a refusal that is rolled back counts nothing."""
    step = max(int(per.total_seconds()) // _STEPS, 1)
    start = datetime.fromtimestamp(int(at.timestamp()) // step * step, UTC)
    bucket = tokens.digest("rate", f"{what}:{whose.lower()}")[:40]
    session.execute(_COUNT, {"bucket": bucket, "start": start})
    since = start - per - timedelta(seconds=step)
    if session.execute(_SUM, {"bucket": bucket, "since": since}).scalar_one() > limit:
        raise TooMany
