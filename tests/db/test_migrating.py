"""`billing migrate` waits only briefly for a lock, tries again, and names what blocks it."""

import io
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa

from billing.platform import migrate
from billing.platform.claims import only_one
from billing.platform.db import Database
from billing.platform.errors import RefusesToStart
from billing.platform.monotonic import SystemMonotonic
from billing.platform.revisions import missing, present_in
from billing.platform.time_limits import TIME_LIMITS, TimeLimits, Work
from tests.support.cli import environment, run
from tests.support.next_release import next_release

OPERATOR = "an operator's terminal"


class Steps(SystemMonotonic):
    """Runs a test's action between two tries. Only reading who holds a lock takes time."""

    def __init__(self, *between: Callable[[], object]) -> None:
        self.left = list(between)
        self.tries = 1

    def sleep(self, seconds: float, /) -> None:  # type: ignore[override]
        """Nothing is waited for."""
        self.tries += seconds > 0
        if self.left:
            self.left.pop(0)()


COLUMN = 'op.add_column("{table}", sa.Column("of_the_next_release_{number}", sa.Text()))'
TABLES = ("rate_count", "worker_heartbeat", "rate_count")
"""The tables that the migrations of a next release change: 0002, 0003, 0004."""


@pytest.fixture(autouse=True)
def later_code(tmp_path: Path) -> Iterator[None]:
    """The code is of a later release, with more migrations than the database."""
    bodies = {
        f"next {number}": COLUMN.format(table=table, number=number) for number, table in enumerate(TABLES)
    }
    with next_release(tmp_path, bodies):
        yield


def behind(url: str, *, lock: float) -> Database:
    """A database of the release before. A migration waits for a lock for so many real seconds."""
    limits = {**TIME_LIMITS, Work.MIGRATION: TimeLimits(statement=0, lock=lock, idle=60)}
    return Database(url, limits=limits)


def lacks(database: Database) -> set[str]:
    with database.engine.connect() as connection:
        return missing(present_in(connection))


@contextmanager
def reading(url: str, table: str) -> Iterator[psycopg.Connection]:
    """An open transaction that has read the table."""
    with psycopg.connect(url, application_name=OPERATOR) as operator:
        operator.execute(f"SELECT count(*) FROM {table}".encode())
        yield operator


def test_a_migration_that_waits_says_for_whom(database_url: str) -> None:
    blockers: list[str] = []
    with (
        closing(behind(database_url, lock=60)) as database,
        reading(database_url, "worker_heartbeat") as operator,
    ):
        pid = operator.info.backend_pid

        def waits(who: str) -> None:
            blockers.append(who)
            operator.rollback()

        migrate.upgrade(database, waits=waits)
        assert lacks(database) == set()
    [who] = blockers
    assert who.startswith(f"process {pid} ({OPERATOR}), idle in transaction, at it since 20")
    assert who.endswith("it holds worker_heartbeat")
    assert "count" not in who, "a statement may hold an address"


def test_it_gives_way_and_tries_again_and_what_is_through_stays(database_url: str) -> None:
    applied: list[str] = []
    with (
        closing(behind(database_url, lock=0.05)) as database,
        reading(database_url, "worker_heartbeat") as operator,
    ):
        before = lacks(database)
        seen: list[set[str]] = []
        steps = Steps(lambda: seen.append(lacks(database)), operator.rollback)
        migrate.upgrade(database, applied.append, monotonic=steps)
        assert lacks(database) == set()
    assert steps.tries == 3
    assert seen[0] < before, "each is a transaction of its own"
    assert sorted(applied) == sorted(before), "and none is done twice"


REFUSES_A_COMMIT = """
CREATE FUNCTION refuse_late() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'this commit fails' USING ERRCODE = '23514'; END $$;
CREATE CONSTRAINT TRIGGER refuse_late AFTER UPDATE ON alembic_version
DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.version_num = '0004') EXECUTE FUNCTION refuse_late();
"""


def test_only_what_is_committed_is_told_to_be_through(database_url: str) -> None:
    applied: list[str] = []
    with closing(behind(database_url, lock=1)) as database:
        before = lacks(database)
        with database.engine.begin() as connection:
            connection.exec_driver_sql(REFUSES_A_COMMIT)
        with pytest.raises(sa.exc.IntegrityError, match="this commit fails"):
            migrate.upgrade(database, applied.append)
        assert applied == sorted(before - lacks(database)) == ["0002", "0003"]


def test_between_two_tries_nobody_waits_behind_it(database_url: str) -> None:
    with (
        closing(behind(database_url, lock=0.05)) as database,
        reading(database_url, "worker_heartbeat") as operator,
    ):

        def write() -> None:
            with psycopg.connect(database_url) as another:
                another.execute("SET lock_timeout = 1")
                another.execute("LOCK TABLE worker_heartbeat IN ROW EXCLUSIVE MODE")

        migrate.upgrade(database, monotonic=Steps(write, operator.rollback))
        assert lacks(database) == set()


def test_it_gives_up_at_last_and_names_who_is_in_its_way(database_url: str) -> None:
    with (
        closing(behind(database_url, lock=2)) as database,
        reading(database_url, "worker_heartbeat"),
        pytest.raises(RefusesToStart, match=r"waits in vain for process \d+ \(an operator's terminal\)"),
    ):
        migrate.upgrade(database, monotonic=Steps(), tries=1)


def test_two_at_once_wait_for_each_other(database_url: str) -> None:
    blockers: list[str] = []
    with closing(behind(database_url, lock=60)) as database:
        other = only_one(database, migrate.TURN)
        other.__enter__()
        steps = Steps(lambda: None, lambda: other.__exit__(None, None, None))
        migrate.upgrade(database, waits=blockers.append, monotonic=steps)
        assert (steps.tries, lacks(database)) == (3, set())
    [who] = blockers
    assert "masthead" in who
    assert "another billing migrate" in who


class Terminal(io.StringIO):
    """An operator's terminal. The operator ends a blocking session when asked to."""

    def __init__(self, in_the_way: psycopg.Connection) -> None:
        super().__init__()
        self._in_the_way = in_the_way

    def write(self, text: str, /) -> int:
        """Read it."""
        if "waits for" in text:
            self._in_the_way.rollback()
        return super().write(text)


def test_an_operator_reads_whom_it_waits_for(database_url: str, tmp_path: Path) -> None:
    behind(database_url, lock=60).close()
    with reading(database_url, "worker_heartbeat") as operator:
        terminal = Terminal(operator)
        done = run(environment(database_url), "migrate", folder=tmp_path, terminal=terminal)
    assert done.returncode == 0
    assert done.stdout == "The database is up to date.\n"
    [waits] = terminal.getvalue().splitlines()
    assert waits.startswith("billing: waits for process ")
    assert OPERATOR in waits
