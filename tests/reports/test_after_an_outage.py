"""An outage of all workers is an alarm. Work late only because of it is none; work late before it is."""

from datetime import timedelta

import pytest

from billing.platform import heartbeat
from billing.platform.claims import only_one
from billing.platform.installation import is_home_in
from billing.reconcile.schedule import COMPARING
from billing.reports import doctor
from billing.timetable import Queue, tick
from tests.proofs.many_readers import due
from tests.reports.operator import broken, execute
from tests.support.world import World, local

OUTAGE = "SELECT what, closed_at FROM staff_case WHERE kind = 'outage'"
LATE = {"what-is-due-is-done", "mail-goes-out", "events-are-settled"}


def worker_beats(world: World) -> None:
    """A worker is there."""
    heartbeat.beat(world.services.database, world.services.clock.now_in, is_home_in)


def silent_for(world: World, length: timedelta) -> None:
    """Let no worker run for this long, up to now. (A held clock that jumps takes the heartbeat along.)"""
    execute(world, "UPDATE worker_heartbeat SET at = at - :length, run_at = run_at - :length", length=length)


@pytest.fixture
def left_lying(world: World) -> World:
    """Workers ran until nine in the morning of 16 March. It is three in the night to the 17th, and none runs."""
    worker_beats(world)
    due(world, 2)
    world.skip_to(local(2027, 3, 16, 9))
    execute(
        world,
        "UPDATE message SET state = 'queued', accepted_at = NULL, next_attempt_at = :now",
        now=world.now,
    )
    execute(world, "UPDATE inbound_event SET settled_at = NULL, next_attempt_at = :now", now=world.now)
    world.skip_to(local(2027, 3, 17, 3))
    silent_for(world, timedelta(hours=18))
    return world


def visit(world: World) -> set[str]:
    """Run the doctor, and return the promises that have cases."""
    doctor.run_checks(world.services.database, world.services.site, world.now)
    rows = world.rows("SELECT subject FROM staff_case WHERE kind = 'promise_broken'")
    return {str(row["subject"]).partition(":")[0] for row in rows}


def visits(world: World) -> int:
    """How often the doctor came at this instant."""
    return int(world.rows("SELECT count(*) AS n FROM doctor_visit WHERE at = :now", now=world.now)[0]["n"])


def test_while_no_worker_is_there_all_that_is_late_is_told(left_lying: World) -> None:
    assert broken(left_lying).keys() >= LATE | {"ticks-are-seen"}


def test_the_doctor_opens_no_case_for_what_only_an_outage_made_late(left_lying: World) -> None:
    worker_beats(left_lying)
    assert visit(left_lying) & LATE == set()


def test_what_is_still_late_two_hours_after_they_came_back_is_a_case(left_lying: World) -> None:
    worker_beats(left_lying)
    left_lying.skip_to(left_lying.now + timedelta(hours=1, minutes=59))
    assert broken(left_lying).keys() & LATE == set()
    left_lying.skip_to(left_lying.now + timedelta(minutes=2))
    assert visit(left_lying) >= LATE


def test_what_was_late_before_the_outage_is_a_case_at_once(left_lying: World) -> None:
    before = "UPDATE message SET next_attempt_at = :then WHERE id = (SELECT min(id) FROM message)"
    execute(left_lying, before, then=left_lying.now - timedelta(hours=30))
    worker_beats(left_lying)
    assert visit(left_lying) & LATE == {"mail-goes-out"}
    assert len(broken(left_lying)["mail-goes-out"]) == 1


def test_a_worker_that_dies_again_and_again_holds_off_no_alarm(left_lying: World) -> None:
    for _ in range(9):  # an hour and a half of lives too short for any work
        worker_beats(left_lying)
        left_lying.skip_to(left_lying.now + timedelta(minutes=10))
        silent_for(left_lying, timedelta(minutes=10))
    worker_beats(left_lying)
    assert visit(left_lying) >= LATE


def test_the_outage_itself_is_one_case(left_lying: World) -> None:
    worker_beats(left_lying)
    for _ in range(2):
        tick(left_lying.services, queue=Queue.WATCH)
    [case] = left_lying.rows(OUTAGE)
    assert "From 16 March 2027, 09:00 to 17 March 2027, 03:00 no worker was there" in case["what"]
    silent_for(left_lying, timedelta(minutes=6))
    worker_beats(left_lying)
    left_lying.skip_to(left_lying.now + timedelta(minutes=1))
    tick(left_lying.services, queue=Queue.WATCH)
    assert len(left_lying.rows(OUTAGE)) == 1, "workers that come and go are one thing to explain"


def test_a_worker_that_is_replaced_was_never_away(world: World) -> None:
    worker_beats(world)
    silent_for(world, timedelta(minutes=4, seconds=59))
    worker_beats(world)
    tick(world.services, queue=Queue.WATCH)
    assert world.rows(OUTAGE) == []


def test_workers_that_catch_up_leave_nothing_late(left_lying: World) -> None:
    worker_beats(left_lying)
    left_lying.advance(hours=3)
    worker_beats(left_lying)
    assert broken(left_lying) == {}


@pytest.mark.usefixtures("paid")
def test_books_whose_comparison_fell_due_in_an_outage_are_late_two_hours_after_it(world: World) -> None:
    worker_beats(world)
    world.skip_to(local(2027, 3, 18, 2))
    silent_for(world, timedelta(hours=20))
    assert "books-are-compared" in broken(world)
    worker_beats(world)
    assert "books-are-compared" not in visit(world)
    world.skip_to(world.now + timedelta(hours=2, minutes=1))
    assert "books-are-compared" in broken(world)


@pytest.mark.usefixtures("paid")
def test_the_doctor_waits_for_a_comparison_that_another_worker_makes(world: World) -> None:
    world.skip_to(local(2027, 3, 18, 10))
    with only_one(world.services.database, COMPARING):
        tick(world.services, queue=Queue.DOCTOR)
    assert visits(world) == 0
    tick(world.services, queue=Queue.LONG)
    assert visit(world) == set()
    assert visits(world) == 1
