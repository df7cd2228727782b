"""Waiting longer each time, and never more than an hour."""

from datetime import UTC, datetime, timedelta

import pytest

from billing.rules.backoff import again_at

AT = datetime(2027, 3, 1, 8, tzinfo=UTC)


@pytest.mark.parametrize(("tries", "minutes"), [(0, 1), (1, 1), (2, 5), (3, 15), (4, 60), (5, 60), (500, 60)])
def test_each_try_waits_longer(tries: int, minutes: int) -> None:
    assert again_at(tries, AT) == AT + timedelta(minutes=minutes)
