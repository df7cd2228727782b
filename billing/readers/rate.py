"""Rate limits (SEC-8). Tries are counted in the database, so that all web processes count together."""

from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from billing.platform.context import TransactionContext
from billing.platform.errors import TooMany
from billing.platform.tokens import Tokens
from billing.rules import networks
from billing.rules.addresses import canonical

_COUNT = sa.text(
    "INSERT INTO rate_count (bucket, window_start, tries) VALUES (:bucket, :start, 1)"
    " ON CONFLICT (bucket, window_start) DO UPDATE SET tries = rate_count.tries + 1"
)
_CARRY = sa.text(
    "INSERT INTO rate_count (bucket, window_start, tries)"
    " SELECT :new, window_start, tries FROM rate_count WHERE bucket = :old"
    " ON CONFLICT (bucket, window_start) DO UPDATE SET tries = greatest(rate_count.tries, excluded.tries)"
)
_SUM = sa.text("SELECT sum(tries) FROM rate_count WHERE bucket = :bucket AND window_start > :since")
_STEPS = 10
"""A window slides in tenths of its length: at the turn of a fixed window, twice as many tries would pass."""


def count(ctx: TransactionContext, what: str, whose: str, *, limit: int, per: timedelta) -> None:
    """Count one try of `what` by `whose`; raises TooMany above `limit` in any stretch of length `per`.

    Commit this also when the try itself fails: a refusal that is rolled back counts nothing."""
    add(ctx, what, whose, per=per)
    if counted(ctx, what, whose, per=per) > limit:
        raise TooMany


def count_network(ctx: TransactionContext, what: str, ip: str, *, limit: int, per: timedelta) -> None:
    """Count one try from a network address, under each of its buckets (`rules/networks`). Raises TooMany."""
    for bucket in networks.buckets(ip):
        count(ctx, what, bucket.name, limit=limit * bucket.share, per=per)


def count_mailbox(ctx: TransactionContext, what: str, email: str, *, limit: int, per: timedelta) -> None:
    """Count one mail to a mailbox, however its address is spelled (`rules/addresses`). Raises TooMany."""
    count(ctx, what, canonical(email), limit=limit, per=per)


def is_first(ctx: TransactionContext, what: str, email: str, *, per: timedelta) -> bool:
    """Whether nothing of `what` was counted for a mailbox in the last stretch of length `per`; if so, this is counted."""
    whose = canonical(email)
    if counted(ctx, what, whose, per=per):
        return False
    # waits for another transaction that counts it now, whose count is seen then
    add(ctx, what, whose, per=per)
    return counted(ctx, what, whose, per=per) == 1


def add(ctx: TransactionContext, what: str, whose: str, *, per: timedelta) -> None:
    """Count one try, without a limit."""
    row = {"bucket": _bucket(ctx.site.tokens, what, whose), "start": _step_of(per, ctx.at)[0]}
    ctx.session.execute(_COUNT, row)


def carry(ctx: TransactionContext, what: str, old: str, new: str) -> None:
    """Copy the counts of the mailbox `old` to `new`, which takes its place, so that a change of address resets no limit.

    Where `new` has a count already, the higher one holds: the old address may be put back."""
    buckets = [_bucket(ctx.site.tokens, what, canonical(address)) for address in (old, new)]
    if buckets[0] != buckets[1]:
        ctx.session.execute(_CARRY, {"old": buckets[0], "new": buckets[1]})


def counted(ctx: TransactionContext, what: str, whose: str, *, per: timedelta) -> int:
    """How many tries there were in the last stretch of length `per`."""
    start, step = _step_of(per, ctx.at)
    # one step more than `per`: the oldest may lie partly within the stretch, and counts whole
    row = {"bucket": _bucket(ctx.site.tokens, what, whose), "since": start - per - step}
    return ctx.session.execute(_SUM, row).scalar_one() or 0


def _step_of(per: timedelta, at: datetime) -> tuple[datetime, timedelta]:
    """When the step of the window began, and its length."""
    step = max(int(per.total_seconds()) // _STEPS, 1)
    return datetime.fromtimestamp(int(at.timestamp()) // step * step, UTC), timedelta(seconds=step)


def _bucket(tokens: Tokens, what: str, whose: str) -> str:
    return tokens.digest("rate", f"{what}:{whose.lower()}")[:40]
