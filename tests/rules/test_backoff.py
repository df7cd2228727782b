"""Backoff: each wait is longer, and none longer than an hour."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.rules.backoff import after_busy, again_at

AT = datetime(2027, 3, 1, 8, tzinfo=UTC)


@pytest.mark.parametrize(("tries", "minutes"), [(0, 1), (1, 1), (2, 5), (3, 15), (4, 60), (5, 60), (500, 60)])
def test_each_try_waits_longer(tries: int, minutes: int) -> None:
    assert again_at(tries, AT) == AT + timedelta(minutes=minutes)


@pytest.mark.parametrize(
    ("tries", "seconds"), [(0, 2), (1, 2), (2, 4), (5, 32), (8, 256), (9, 300), (500, 300)]
)
def test_too_fast_waits_for_seconds_first(tries: int, seconds: int) -> None:
    assert after_busy(tries, AT, asked=None, chance=0) == AT + timedelta(seconds=seconds)
    assert after_busy(tries, AT, asked=None, chance=1) == AT + timedelta(seconds=seconds * 1.5)


@given(st.integers(1, 60), st.integers(1, 30), st.floats(0, 1))
def test_never_sooner_than_stripe_asked(asked: int, tries: int, chance: float) -> None:
    at = after_busy(tries, AT, asked=timedelta(seconds=asked), chance=chance)
    assert timedelta(seconds=asked) <= at - AT <= timedelta(seconds=asked * 1.5)
