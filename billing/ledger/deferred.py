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
    WITH alike AS MATERIALIZED (
        SELECT amount, starts_on, ends_on, counts_from, counts_until, count(*) AS deferrals FROM deferral
        WHERE counts_until > (SELECT min(cut) FROM unnest(CAST(:cuts AS date[])) cut) GROUP BY 1, 2, 3, 4, 5)
    SELECT cut, CAST(coalesce(sum(f.deferrals * ({_EARNED.format("f.counts_until")} - ({_EARNED.format("greatest(f.counts_from, cut)")}))), 0)
        AS bigint) AS cents
    FROM unnest(CAST(:cuts AS date[])) cut LEFT JOIN alike f ON f.counts_until > cut GROUP BY cut
    """  # noqa: S608 - expressions of our own
)
"""Cents that the days from each of `:cuts` on will earn. The query reads one index range once, past the earned deferrals. It
groups the open ones into some hundred sorts."""


def left_after(session: Session, days: Sequence[date]) -> list[int]:
    """For each day: cents that are deferred when it is over, of what is paid now. For the last recognised day that is the balance
    of the account `deferred_revenue`, below zero there."""
    cuts = [day + _DAY for day in days]
    # each once: `GROUP BY` would add up a day that is asked for twice, as the first of a month asks for its end
    found = {row.cut: row.cents for row in session.execute(LEFT, {"cuts": sorted(set(cuts))})}
    return [found[cut] for cut in cuts]
