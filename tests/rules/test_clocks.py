"""How far another computer's timestamp may differ from our clock."""

from datetime import UTC, datetime, timedelta

import pytest

from billing.rules import cancel_requests
from billing.rules.clocks import APART, between, not_after

NOW = datetime(2027, 3, 1, 8, tzinfo=UTC)
FIRST = NOW - timedelta(days=1)
TICK = timedelta(microseconds=1)


@pytest.mark.parametrize(
    ("said", "found"),
    [
        (NOW - timedelta(hours=1), NOW - timedelta(hours=1)),
        (NOW, NOW),
        (NOW + TICK, NOW),
        (NOW + APART, NOW),
        (NOW + APART + TICK, None),
    ],
)
def test_a_moment_that_has_passed(said: datetime, found: datetime | None) -> None:
    assert not_after(said, NOW) == found
    assert between(said, FIRST, NOW) == found


@pytest.mark.parametrize(
    ("said", "found"),
    [(FIRST, FIRST), (FIRST - TICK, FIRST), (FIRST - APART, FIRST), (FIRST - APART - TICK, None)],
)
def test_a_moment_before_the_first(said: datetime, found: datetime | None) -> None:
    assert between(said, FIRST, NOW) == found


def test_what_began_in_our_future_is_asked_about_at_its_beginning() -> None:
    began = NOW + timedelta(seconds=3)
    assert between(NOW, began, NOW) == began


@pytest.mark.parametrize(
    ("requested", "counts"),
    [
        (None, NOW),
        (NOW - timedelta(days=7), NOW - timedelta(days=7)),
        (NOW - timedelta(days=7) - TICK, NOW),
    ],
)
def test_a_cancellation_counts_from_a_request_that_is_young(
    requested: datetime | None, counts: datetime
) -> None:
    assert cancel_requests.counts_from(requested, NOW) == counts


def test_a_charge_is_put_off_by_seven_civil_days() -> None:
    assert cancel_requests.held_until(NOW.date()).isoformat() == "2027-03-08"


@pytest.mark.parametrize(("grace_left", "held"), [(30, 7), (8, 7), (7, 6), (2, 1), (1, None), (0, None)])
def test_a_retry_is_put_off_only_within_its_grace(grace_left: int, held: int | None) -> None:
    today = NOW.date()
    until = cancel_requests.retry_held_until(today, today + timedelta(days=grace_left))
    assert until == (None if held is None else today + timedelta(days=held))
