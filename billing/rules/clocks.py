"""Clocks of other computers: how far they may differ from ours before we reject a moment that they wrote."""

from datetime import datetime, timedelta

APART = timedelta(minutes=5)
"""The largest difference that we allow another clock: a web process's, a publisher's program's, the acquirer's."""


def not_after(stated: datetime, now: datetime) -> datetime | None:
    """`stated` as a past moment: `now` where it lies ahead by at most `APART`; None where it is later still."""
    return None if stated > now + APART else min(stated, now)


def between(stated: datetime, first: datetime, now: datetime) -> datetime | None:
    """`stated` as a moment from `first` to `now`, both included; None where it lies outside by more than `APART`."""
    passed = not_after(stated, now)
    return None if passed is None or passed < first - APART else max(passed, first)
