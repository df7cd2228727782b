"""The rate limit of charges over all workers, out of step with each other (STR-9)."""

import itertools
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.acquirer.rate_limit import RateLimiter
from billing.platform.db import Database
from tests.support.stepped_clock import SteppedClock


def turns(pace: RateLimiter, count: int, *, runs: int = 1, at: float = 0.0) -> list[float]:
    """The moments of some charges that were requested at once."""
    return [pace.take_turn(runs, at) for _ in range(count)]


@given(st.floats(0.5, 100), st.integers(1, 12))
def test_the_rate_is_kept_and_shared_by_the_runs(per_second: float, runs: int) -> None:
    found = turns(RateLimiter(per_second, SteppedClock(), "one"), 200, runs=runs)
    gaps = [after - before for before, after in itertools.pairwise(found)]
    share = runs / per_second
    assert all(share / 2 <= gap <= share * 3 / 2 for gap in gaps)
    assert sum(gaps) / len(gaps) == pytest.approx(share, rel=0.2)


def test_no_two_steps_are_alike() -> None:
    found = turns(RateLimiter(20, SteppedClock(), "one"), 50)
    assert len({round(after - before, 6) for before, after in itertools.pairwise(found)}) > 40


def test_nothing_is_saved_up_while_nobody_charges() -> None:
    pace = RateLimiter(10, SteppedClock(), "one")
    turns(pace, 3)
    found = turns(pace, 20, at=1000.0)
    assert found[0] == 1000.0
    assert found[-1] > 1001.0


def test_told_that_we_are_too_fast_everybody_waits() -> None:
    pace = RateLimiter(20, SteppedClock(at=100.0), "one")
    turns(pace, 2)
    pace.hold_back(timedelta(seconds=7))
    assert pace.take_turn(1, 100.0) == 107.0
    pace.hold_back(timedelta(seconds=1))
    assert pace.take_turn(1, 100.0) >= 107.0


def test_without_a_rate_nobody_waits() -> None:
    assert turns(RateLimiter(0, SteppedClock(), "one"), 100) == [0.0] * 100


def test_each_process_counts_those_who_charge(database_url: str) -> None:
    """Two processes with a run each get half the rate each. When one ends, the other has all of it within a second."""
    one, two = Database(database_url), Database(database_url)
    clock = SteppedClock(at=11.0)
    pace, other = RateLimiter(40, clock, "one"), RateLimiter(40, clock, "one")
    try:
        with pace.slot(one) as queue:
            with other.slot(two) as beside:
                assert (queue._recount(10.0), beside._recount(10.0)) == (2, 2)
                assert queue._recount(10.5) is None, "counted within the second"
            assert queue._recount(11.0) == 1
            with RateLimiter(40, clock, "another").slot(two) as elsewhere:
                assert (queue._recount(12.5), elsewhere._recount(12.5)) == (1, 1), (
                    "each acquirer has its rate"
                )
            queue.wait()
            turn = pace._next
            assert 0.5 / 40 <= turn - clock.seconds() <= 1.5 / 40
            with ThreadPoolExecutor(1) as elsewhere:
                waiting = elsewhere.submit(queue.wait)
                clock.until_waited_for()
                assert 0.5 / 40 <= pace._next - turn <= 1.5 / 40
                clock.step((turn - clock.seconds()) * 0.99)
                assert not waiting.done(), "not before its turn"
                clock.step(turn - clock.seconds())
                waiting.result(30)
            clock.step(5)
            queue.wait()
            assert 0.5 / 40 <= pace._next - clock.seconds() <= 1.5 / 40, "who is late is let go at once"
    finally:
        one.close()
        two.close()
