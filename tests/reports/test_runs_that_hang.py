"""A hanging billing run can't report itself: other processes detect it."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta

import httpx
import pytest

from billing.platform import heartbeat
from billing.platform.installation import is_home_in
from billing.timetable import Queue, tick
from tests.proofs.many_readers import due
from tests.reports.operator import broken, execute
from tests.support.broken_tables import missing_table, refused_rows
from tests.support.hung_run import hung_run
from tests.support.metrics import alarms, open_cases
from tests.support.staff_members import SignIn
from tests.support.world import World

Trouble = Callable[[World], AbstractContextManager[None]]
CASES = "SELECT what, closed_at, reason FROM staff_case WHERE kind = 'billing_late'"


def worker_beats(world: World) -> None:
    heartbeat.beat(world.services.database, world.services.clock.now_in, is_home_in)


def pass_by(world: World, length: timedelta) -> None:
    """Let this much time pass with workers and without a finished billing run. (A held clock that jumps takes both along.)"""
    world.skip_to(world.now + length)
    execute(world, "UPDATE worker_heartbeat SET run_at = run_at - :length", length=length)
    worker_beats(world)
    tick(world.services, queue=Queue.WATCH)


def runs(world: World) -> dict[str, object]:
    """What `/readyz` says of them."""
    said: dict[str, object] = httpx.get(f"{world.url}/readyz", trust_env=False).json()["billing_runs"]
    return said


@pytest.mark.rare
def test_a_run_that_hangs_is_an_alarm_after_a_quarter_of_an_hour(world: World, staff: SignIn) -> None:
    assert runs(world) == {"state": "never_seen"}
    worker_beats(world)
    due(world, 2)
    with hung_run(world):
        pass_by(world, timedelta(minutes=15))
        assert (runs(world)["state"], world.rows(CASES), alarms(world)) == ("finishing", [], set())
        pass_by(world, timedelta(minutes=1))
        assert (alarms(world), open_cases(world)) == ({"billing_runs_overdue"}, {"billing_late": 1})
        assert runs(world) == {"state": "overdue", "finished_at": "2027-03-16T07:00:00Z"}
        assert broken(world) == {"billing-runs-finish": ["billing run"]}
        [case] = world.rows(CASES)
        assert "no billing run has finished since 16 March 2027, 09:00" in case["what"]
        assert "No billing run finishes." in staff("support").get("/staff").words
        pass_by(world, timedelta(hours=1))
        assert len(world.rows(CASES)) == 1
    pass_by(world, timedelta(minutes=1))
    assert (runs(world)["state"], alarms(world), open_cases(world)) == ("finishing", set(), {})
    [case] = world.rows(CASES)
    assert (case["closed_at"], case["reason"]) == (world.now, "A billing run has finished since.")
    assert "No billing run finishes." not in staff("support").get("/staff").words


def test_a_case_stays_while_the_run_hangs_though_nothing_is_due(world: World) -> None:
    worker_beats(world)
    due(world, 1)
    with hung_run(world):
        pass_by(world, timedelta(minutes=16))
        world.execute("UPDATE subscription SET next_action_at = :then", then=world.now + timedelta(days=1))
        world.execute("UPDATE attempt SET next_poll_at = :then", then=world.now + timedelta(days=1))
        pass_by(world, timedelta(minutes=1))
        assert (runs(world)["state"], open_cases(world)) == ("finishing", {"billing_late": 1})
        pass_by(world, timedelta(days=1, minutes=15))
        assert (runs(world)["state"], open_cases(world)) == ("overdue", {"billing_late": 1, "doctor_late": 1})
    pass_by(world, timedelta(minutes=1))
    [case] = world.rows(CASES)
    assert case["reason"] == "A billing run has finished since."


@pytest.mark.parametrize(
    "trouble",
    [
        lambda world: missing_table(world, "charging_pause"),
        lambda world: refused_rows(world, "attempt", "claimed_by IS NULL"),
    ],
    ids=["before it looks", "when it claims"],
)
def test_a_run_that_breaks_each_time_is_missed_too(world: World, trouble: Trouble) -> None:
    worker_beats(world)
    due(world, 1)
    with trouble(world):
        for _ in range(16):
            tick(world.services, queue=Queue.BILLING)
            pass_by(world, timedelta(minutes=1))
    pass_by(world, timedelta(minutes=1))
    assert world.charges() == []
    assert len(world.rows(CASES)) == 1


def test_a_run_that_gets_on_is_no_alarm_however_long_it_takes(world: World) -> None:
    worker_beats(world)
    due(world, 1)
    with hung_run(world):
        pass_by(world, timedelta(minutes=14))
        world.services.run_context.got_on()
        pass_by(world, timedelta(minutes=14))
        assert world.rows(CASES) == []


def test_where_nothing_is_due_no_run_is_missed(world: World) -> None:
    worker_beats(world)
    pass_by(world, timedelta(days=1))
    assert world.rows(CASES) == []
    world.start_trial("thandi@example.com")
    world.settle()
    pass_by(world, timedelta(days=1))
    assert (runs(world)["state"], world.rows(CASES)) == ("finishing", [])


def test_without_a_worker_that_is_the_alarm(world: World) -> None:
    worker_beats(world)
    due(world, 1)
    world.skip_to(world.now + timedelta(hours=1))
    execute(
        world, "UPDATE worker_heartbeat SET at = at - interval '1 hour', run_at = run_at - interval '1 hour'"
    )
    assert broken(world) == {"ticks-are-seen": ["worker"]}
    worker_beats(world)
    tick(world.services, queue=Queue.WATCH)
    assert world.rows(CASES) == [], "they have a quarter of an hour"
    pass_by(world, timedelta(minutes=16))
    assert len(world.rows(CASES)) == 1
