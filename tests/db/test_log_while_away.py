"""While the database is away a process logs it once a minute, for requests, ticks and the listener together."""

import asyncio
import io
import logging
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from unittest.mock import patch

import httpx
import pytest
import sqlalchemy as sa

from billing import worker
from billing.access_cache.change_listener import ChangeListener
from billing.app import create_app
from billing.container import Services
from billing.platform.db import Database
from billing.platform.db_errors import is_away
from billing.platform.logs import POOL, log_to_stderr, to_stream
from billing.platform.time_limits import TimeLimits, Work
from billing.timetable import Queue, tick
from tests.support.stepped_clock import SteppedClock
from tests.support.world import World

KEY = {"authorization": "Bearer mk_" + "x" * 43}
NOWHERE = "postgresql://127.0.0.1:1/none"


class Log:
    """A process's log during a test, and the clock that measures its minute."""

    def __init__(self) -> None:
        self._stream = io.StringIO()
        self.clock = SteppedClock()
        self.handler = to_stream(self._stream, self.clock)

    @property
    def lines(self) -> list[str]:
        """Its lines."""
        return self._stream.getvalue().splitlines()


@pytest.fixture
def log() -> Iterator[Log]:
    found, root = Log(), logging.getLogger()
    root.addHandler(found.handler)
    yield found
    root.removeHandler(found.handler)


@pytest.fixture
def away(world: World) -> Iterator[Services]:
    """An installation whose database is unreachable."""
    database = Database(NOWHERE)
    yield replace(world.services, database=database)
    database.close()


def test_a_worker_writes_a_line_a_minute(away: Services, log: Log) -> None:
    for minute in range(1, 4):
        for _ in range(5):
            worker._beat(away)
            for queue in Queue:
                worker._tick(away, queue)
        assert len(log.lines) == minute, log.lines
        log.clock.step(60)
    assert "the database is away" in log.lines[0]
    assert "Connection refused" in log.lines[0]


class After(threading.Event):
    """Set after so many waits, none of which takes time."""

    def __init__(self, waits: int) -> None:
        super().__init__()
        self.left = waits

    def wait(self, timeout: float | None = None) -> bool:
        """Count it."""
        assert timeout is not None
        self.left -= 1
        if self.left == 0:
            self.set()
        return self.is_set()


def test_the_listener_of_the_gate_writes_a_line_a_minute(log: Log) -> None:
    line = ChangeListener(NOWHERE, lambda _: None, lambda: None, log.clock)
    for minute in (1, 2):
        loop = asyncio.new_event_loop()
        line._attend(loop, After(20))
        loop.close()
        assert len(log.lines) == minute, log.lines
        log.clock.step(60)
    assert "the line that listens is cut: the database is away" in log.lines[0]


class Mute(SteppedClock):
    """The clock of a connection whose data a proxy drops. Each reading lets time pass."""

    listener: ChangeListener

    def seconds(self) -> float:
        """A second later than before."""
        self.step(1)
        self.listener.name = f"where it doesn't listen, {super().seconds()}"
        return super().seconds()


def test_a_line_whose_own_words_do_not_come_back_is_no_database_that_is_away(
    world: World, away: Services, log: Log
) -> None:
    clock = Mute()
    clock.listener = ChangeListener(world.url_of_database, lambda _: None, lambda: None, clock)
    loop = asyncio.new_event_loop()
    clock.listener._attend(loop, After(2))
    loop.close()
    (line,) = log.lines
    assert "the line that listens is cut: our own words don't come back" in line
    worker._beat(away)
    assert len(log.lines) == 2, "which is said all the same, within the minute"
    assert "the database is away" in log.lines[1]


def test_requests_write_a_line_a_minute(away: Services, log: Log) -> None:
    async def ask() -> set[int]:
        transport = httpx.ASGITransport(create_app(away), raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url=away.settings.public_url) as client:
            paths = ["/", "/subscribe", "/v1/readers/rdr_1", "/readyz", "/v1/access/a"] * 3
            return {(await client.get(path, headers=KEY)).status_code for path in paths}

    assert asyncio.run(ask()) == {503}
    assert len(log.lines) == 1, log.lines
    assert "the database is away" in log.lines[0]


def test_all_of_a_process_write_one_line_together(away: Services, log: Log) -> None:
    line = ChangeListener(NOWHERE, lambda _: None, lambda: None, log.clock)
    loop = asyncio.new_event_loop()
    line._attend(loop, After(3))
    loop.close()
    worker._beat(away)
    worker._tick(away, Queue.BILLING)
    assert len(log.lines) == 1, log.lines


def test_a_server_that_stops_in_the_middle_of_it_is_away(database_url: str) -> None:
    ours, others = Database(database_url), Database(database_url)
    with ExitStack() as ends:
        cut = ends.enter_context(pytest.raises(sa.exc.OperationalError))
        session = ends.enter_context(ours.transaction())
        pid = session.execute(sa.text("SELECT pg_backend_pid()")).scalar_one()
        with others.transaction() as other:
            other.execute(sa.text("SELECT pg_terminate_backend(:pid, 60000)"), {"pid": pid})
        session.execute(sa.text("SELECT 1"))
    assert is_away(cut.value)
    for database in (ours, others):
        database.close()


def test_what_is_wrong_while_the_database_answers_is_logged_in_full_each_time(
    database_url: str, log: Log
) -> None:
    database = Database(database_url, limits=dict.fromkeys(Work, TimeLimits(statement=0.05, lock=0, idle=0)))
    for statement in ("SELECT pg_sleep(60)", "SELECT nonsense", "SELECT 1/0"):
        before = len(log.lines)
        with pytest.raises(sa.exc.DBAPIError) as wrong, database.transaction() as session:
            session.execute(sa.text(statement))
        assert not is_away(wrong.value)
        logging.getLogger("billing.tests").error("it broke", exc_info=wrong.value)
        assert len(log.lines) > before + 3, "with its traceback"
    database.close()


@pytest.fixture
def full(world: World) -> Iterator[Services]:
    """An installation with all connections in use."""
    database = Database(world.url_of_database, pool_size=1, pool_seconds=0)
    with ExitStack() as in_use:
        for _ in range(3):
            in_use.enter_context(database.engine.connect())
        yield replace(world.services, database=database)
    database.close()


def test_a_pool_that_is_full_is_logged_in_full_once_a_minute(
    full: Services, away: Services, log: Log
) -> None:
    for _ in range(2):
        before = len(log.lines)
        for _ in range(5):
            worker._beat(full)
            worker._tick(full, Queue.MAIL)
        lines = log.lines[before:]
        assert "the database is away" not in "".join(lines)
        assert [line for line in lines if "QueuePool limit" in line]
        assert sum("Traceback" in line for line in lines) == 1, "who waited for a connection"
        log.clock.step(60)
    worker._beat(full)
    before = len(log.lines)
    worker._beat(away)
    assert len(log.lines) == before + 1, "that the database is away is another matter"


def test_a_pool_that_is_full_is_not_waited_for_once_a_job(full: Services) -> None:
    with pytest.raises(sa.exc.TimeoutError):
        tick(full)


def test_requests_that_get_no_connection_are_told_to_come_again(full: Services, log: Log) -> None:
    async def ask() -> set[int]:
        transport = httpx.ASGITransport(create_app(full), raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url=full.settings.public_url) as client:
            return {(await client.get("/v1/readers/rdr_1", headers=KEY)).status_code for _ in range(3)}

    assert asyncio.run(ask()) == {503}
    assert sum("Traceback" in line for line in log.lines) == 1
    assert "broken 503 unavailable GET /v1/readers" in log.lines[0]
    assert "the database is away" not in log.lines[0]


def test_the_pool_of_the_gate_leaves_it_to_those_who_need_a_connection(log: Log) -> None:
    before = logging.getLogger(POOL).level
    try:
        with patch("logging.basicConfig"):
            log_to_stderr()
        logging.getLogger(POOL).warning("error connecting in 'pool-1': connection refused")
        assert log.lines == []
    finally:
        logging.getLogger(POOL).setLevel(before)
