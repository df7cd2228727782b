"""Deferred revenue on a day: what is paid for days that are still to come, without VAT, from the open deferrals."""

from collections.abc import Sequence
from datetime import date, timedelta

import sqlalchemy as sa
from sqlmodel import Session

_DAY = timedelta(days=1)
# `rules.recognition.Spread.earned` in SQL
_EARNED = (
    "(f.amount / (f.ends_on - f.starts_on)) * ({0} - f.starts_on)"
    " + least({0} - f.starts_on, f.amount % (f.ends_on - f.starts_on))"
)
LEFT = sa.text(
    f"""
    SELECT CAST(coalesce(sum({_EARNED.format("f.counts_until")} - ({_EARNED.format("greatest(f.counts_from, CAST(:cut AS date))")})), 0)
        AS bigint)
    FROM deferral f WHERE f.counts_until > :cut
    """  # noqa: S608 - expressions of our own
)
"""Cents that the days from `:cut` on will earn. One index range: a deferral that is earned is past it."""


def left_after(session: Session, days: Sequence[date]) -> list[int]:
    """For each day: cents that are deferred when it is over, of what is paid now. For the last recognised day that is the balance
    of the account `deferred_revenue`, below zero there."""
    return [session.execute(LEFT, {"cut": day + _DAY}).scalar_one() for day in days]
