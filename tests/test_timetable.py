"""The worker's look for due work of all kinds."""

import logging
from collections.abc import Iterator
from datetime import datetime

import pytest

from billing import timetable
from billing.platform.logs import LogThrottle
from tests.support.broken_tables import missing_table
from tests.support.stepped_clock import SteppedClock
from tests.support.world import World


@pytest.fixture
def broken(world: World) -> Iterator[World]:
    """A database in which one of the jobs can't be looked at, as between a new release and its migration."""
    with missing_table(world, "price_change"):
        yield world


def test_a_job_that_cant_be_looked_at_is_said_and_keeps_no_other_from_being_done(
    broken: World, caplog: pytest.LogCaptureFixture
) -> None:
    broken.start_trial("thandi@example.com")
    while timetable.tick(broken.services):
        pass
    assert broken.subjects("thandi@example.com")[0].startswith("Your free trial")
    said = {record.getMessage() for record in caplog.records if record.levelname == "ERROR"}
    assert said == {timetable.JOB_FAILED % "announce prices"}


@pytest.mark.usefixtures("in_trial")
def test_what_is_due_next_is_seen_before_it_is_done(world: World) -> None:
    seen: dict[str, datetime] = {}
    assert timetable.tick(world.services, seen=seen) == 0
    assert seen["bill, and ask what became of charges in doubt"] > world.now
    assert not seen.keys() & {job.name for job in timetable.JOBS if not job.stops}


def test_an_error_that_lasts_is_logged_once_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    clock, log = SteppedClock(at=0), logging.getLogger("billing.tests")
    throttle = LogThrottle(clock)

    def logged(words: str) -> bool:
        caplog.clear()
        throttle.error(log, words)
        return caplog.messages == [words]

    assert logged("the job stands still")
    assert logged("another one too")
    clock.step(59.9)
    assert not logged("the job stands still")
    clock.step(0.1)
    assert logged("the job stands still")
    assert not logged("the job stands still")
