"""Every statement, lock wait and open transaction has a time limit that depends on the work."""

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa

from billing.platform import stop_points
from billing.platform.db import Database
from billing.platform.db_errors import took_too_long
from billing.platform.time_limits import TIME_LIMITS, TimeLimits, Work, doing, work_now
from billing.timetable import JOBS, tick
from tests.access_cache.serving import serving
from tests.proofs.many_readers import due_once
from tests.support.world import World, local

NAMES = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")
ASK = ", ".join(f"(SELECT setting::int FROM pg_settings WHERE name = '{name}') / 1000.0" for name in NAMES)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    found = Database(database_url, pool_size=1, work=Work.REQUEST)
    yield found
    found.close()


def limits(database: Database) -> TimeLimits:
    """Those of the next transaction, as PostgreSQL has them."""
    with database.transaction() as session:
        found: Any = session.execute(sa.text(f"SELECT {ASK}")).one()
        return TimeLimits(*map(float, found))


def test_a_connection_has_the_limits_of_the_work_that_is_done_on_it(database: Database) -> None:
    assert limits(database) == TIME_LIMITS[Work.REQUEST]
    for work in Work:
        with doing(work):
            assert limits(database) == TIME_LIMITS[work]
            with doing(Work.LONG):
                assert limits(database) == TIME_LIMITS[Work.LONG]
    assert limits(database) == TIME_LIMITS[Work.REQUEST]


def test_the_limits_outlive_a_transaction_that_is_undone(database: Database) -> None:
    with pytest.raises(sa.exc.ProgrammingError), database.transaction() as session:
        session.execute(sa.text("SELECT nonsense"))
    assert limits(database) == TIME_LIMITS[Work.REQUEST]


def test_no_job_works_without_limits() -> None:
    for job in JOBS:
        limit = TIME_LIMITS[job.queue.work]
        assert min(limit.statement, limit.lock, limit.idle) > 0, job.name


def test_each_job_is_done_under_the_limits_of_its_lane(world: World) -> None:
    due_once(world, 1)
    world.skip_to(local(2027, 3, 17, 12))
    seen: dict[str, set[Work]] = {}

    def listen(name: str) -> None:
        seen.setdefault(name.partition(".")[0], set()).add(work_now(Work.IN_TURN))

    stop_points.listen(listen)
    try:
        tick(world.services)
    finally:
        stop_points.listen(None)
    assert (seen["billing_run"], seen["mail"], seen["reports"]) == ({Work.RUN}, {Work.RUN}, {Work.LONG})


def test_the_web_process_works_under_the_limits_of_requests(database_url: str) -> None:
    with serving(database_url), psycopg.connect(database_url) as other:
        names = other.execute(
            "SELECT application_name FROM pg_stat_activity WHERE datname = current_database()"
        ).fetchall()
        assert {("masthead request",), ("masthead: looks up access",), ("masthead: listens for access",)} <= {
            *names
        }


def test_a_migration_waits_for_a_lock_for_less_time_than_those_who_queue_behind_it() -> None:
    """It may last, but a request behind it must outlive its waiting."""
    assert (
        0
        < TIME_LIMITS[Work.MIGRATION].lock
        < min(TIME_LIMITS[work].lock for work in (Work.REQUEST, Work.RUN))
    )


def test_what_is_locked_or_slow_is_told_from_what_is_wrong(database_url: str) -> None:
    quick = dict.fromkeys(Work, TimeLimits(statement=0.05, lock=0.05, idle=60))
    database = Database(database_url, limits=quick)
    with pytest.raises(sa.exc.OperationalError) as slow, database.transaction() as session:
        session.execute(sa.text("SELECT pg_sleep(60)"))
    assert took_too_long(slow.value)
    with pytest.raises(sa.exc.ProgrammingError) as wrong, database.transaction() as session:
        session.execute(sa.text("SELECT nonsense"))
    assert not took_too_long(wrong.value)
    database.close()


def test_a_transaction_that_does_nothing_is_ended_and_its_locks_are_free(database_url: str) -> None:
    forgetful = Database(database_url, limits=dict.fromkeys(Work, TimeLimits(60, 60, idle=0.05)))
    patient = Database(database_url, work=Work.IN_TURN)
    lock = sa.text("SELECT 1 FROM installation WHERE id = 1 FOR UPDATE")
    with ExitStack() as ends:
        ends.enter_context(pytest.raises(sa.exc.DBAPIError))
        session = ends.enter_context(forgetful.transaction())
        session.execute(lock)
        with patient.transaction() as other:
            other.execute(lock)
        session.execute(lock)
    forgetful.close()
    patient.close()
