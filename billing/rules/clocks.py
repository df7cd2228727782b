"""Clocks of other computers: how far they may be from ours before a moment that they wrote is believed to be wrong."""

from datetime import datetime, timedelta

APART = timedelta(minutes=5)
"""The most by which the clock of another web process, of a publisher's program or of the acquirer is taken to differ from ours."""


def not_after(said: datetime, now: datetime) -> datetime | None:
    """`said` as a moment that has passed: `now` where it lies ahead by no more than clocks may be apart; None where it is later."""
    return None if said > now + APART else min(said, now)


def between(said: datetime, first: datetime, now: datetime) -> datetime | None:
    """`said` as a moment from `first` to `now`, both included; None where it lies outside by more than clocks may be apart."""
    passed = not_after(said, now)
    return None if passed is None or passed < first - APART else max(passed, first)
