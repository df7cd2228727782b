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
    SELECT c.cut, CAST(coalesce(sum({_EARNED.format("f.counts_until")} - ({_EARNED.format("greatest(f.counts_from, c.cut)")})), 0) AS bigint)
    FROM unnest(CAST(:cuts AS date[])) c (cut) LEFT JOIN deferral f ON f.counts_until > c.cut GROUP BY 1
    """  # noqa: S608 - expressions of our own
)
"""For each day of `:cuts`, which are distinct: cents that the days from it on will earn. One index range each: a deferral that is earned
is past it."""


def left_after(session: Session, days: Sequence[date]) -> list[int]:
    """For each day: cents that are deferred when it is over, of what is paid now. For the last recognised day that is the balance
    of the account `deferred_revenue`, below zero there."""
    left = {row.cut: row[1] for row in session.execute(LEFT, {"cuts": sorted({day + _DAY for day in days})})}
    return [left[day + _DAY] for day in days]
