"""Timestamps of a skewed Stripe clock are converted to our time."""

from datetime import UTC, date, datetime, timedelta

import pytest

from billing.dev.simulate.clock_skew import MOST_SECONDS, ClockSkew
from billing.dev.simulate.dates import Slot, moment
from billing.dev.simulate.faults import LEVELS, FaultPlan
from tests.support.sandbox import Sandbox

MORNING = datetime(2027, 1, 5, 3, 10, tzinfo=UTC)
NEXT = MORNING + timedelta(days=1)
SECOND = timedelta(seconds=1)


@pytest.mark.parametrize("ours", [MORNING, MORNING + timedelta(hours=4), NEXT - SECOND])
@pytest.mark.parametrize("seconds", [-120, -1, 0, 120])
def test_a_stamp_is_read_back_in_our_time(ours: datetime, seconds: int) -> None:
    skew = ClockSkew()
    skew.set(MORNING, seconds)
    skew.set(NEXT, -seconds)
    assert skew.ours(ours + timedelta(seconds=seconds)) == ours


def test_a_stamp_from_before_the_first_setting_is_what_it_says() -> None:
    skew = ClockSkew()
    skew.set(MORNING, 120)
    assert skew.ours(MORNING - timedelta(hours=1)) == MORNING - timedelta(hours=1)


def test_many_faults_have_days_of_a_wrong_clock_among_them_and_calm_sets_it_right() -> None:
    with Sandbox() as sandbox:
        faults = FaultPlan(sandbox.http, lambda _word: None, LEVELS["many"], seed=7)
        seen = set[int]()
        for day in (date(2027, 1, 1) + timedelta(days=n) for n in range(30)):
            at = moment(day, Slot.ROUNDS)
            faults.morning(day, at)
            clock = sandbox.http.get("/_sandbox/clock").json()
            charged_at = moment(day, Slot.CHARGE)
            assert faults.skew.ours(charged_at + timedelta(seconds=clock["skew"])) == charged_at
            seen.add(clock["skew"])
        faults.calm(at + timedelta(days=1))
        assert sandbox.http.get("/_sandbox/clock").json()["skew"] == 0
    assert len(seen) > 5
    assert min(seen) >= -MOST_SECONDS
    assert max(seen) <= MOST_SECONDS
    assert min(seen) < 0 < max(seen)
