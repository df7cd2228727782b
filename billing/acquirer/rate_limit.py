"""Rate limit for charges: so many a second in all, whatever the number of workers (STR-9).

The threads of a process take turns. Runs that charge at the same time share the rate evenly: each holds a shared advisory lock,
and counts the holders once a second. A process that dies drops its lock, and the others go faster within that second."""

import random
import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import sqlalchemy as sa

from billing.platform.db import Database
from billing.platform.monotonic import Monotonic

_CLASS = 771_002
"""First key of these advisory locks; `platform.claims` uses another."""
RECOUNT_SECONDS = 1.0
_COUNT = sa.text(
    "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND classid = :class AND objid = :slot AND granted"
    # pg_locks shows all databases of the server
    " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)
_LOCK = sa.text("SELECT pg_advisory_lock_shared(:class, :slot)")
_UNLOCK = sa.text("SELECT pg_advisory_unlock_shared(:class, :slot)")


class RateLimiter:
    """The limiter of one process at one acquirer. `per_second` charges in all; 0: no limit, where the clock is held."""

    def __init__(self, per_second: float, monotonic: Monotonic, acquirer: str) -> None:
        # crc32, as `hash` differs between processes; the mask fits it into PostgreSQL's signed integer
        self.key = {"class": _CLASS, "slot": zlib.crc32(acquirer.encode()) & 0x7FFF_FFFF}
        self.per_second = per_second
        self.monotonic = monotonic
        self._turn = threading.Lock()
        self._next = 0.0
        self._runs = 1

    @contextmanager
    def slot(self, database: Database) -> Iterator["RateSlot"]:
        """A slot among the runs that share the rate, while the block lasts."""
        if self.per_second == 0:
            yield RateSlot(self, None)
            return
        with database.autocommit() as connection:
            connection.execute(_LOCK, self.key)
            try:
                yield RateSlot(self, connection)
            finally:
                connection.execute(_UNLOCK, self.key)

    def take_turn(self, runs: int | None, at: float) -> float:
        """When the next charge may go out, requested `at`; both in seconds of the monotonic clock.

        Intervals vary from half to one and a half of their length, so that processes don't fall into step."""
        with self._turn:
            self._runs = runs or self._runs
            turn = max(self._next, at)
            if self.per_second:
                interval = self._runs / self.per_second
                self._next = turn + interval * (0.5 + random.random())  # noqa: S311 - no secret
            return turn

    def hold_back(self, span: timedelta) -> None:
        """We were too fast: this process sends nothing before `span` is over."""
        with self._turn:
            if self.per_second:
                self._next = max(self._next, self.monotonic.seconds() + span.total_seconds())


class RateSlot:
    """A run's slot: its threads wait here for their turns."""

    def __init__(self, limiter: RateLimiter, connection: sa.Connection | None) -> None:
        self.limiter = limiter
        self._connection = connection
        self._counting = threading.Lock()
        self._counted_at = -RECOUNT_SECONDS

    def wait(self) -> None:
        """Wait for this caller's turn."""
        at = self.limiter.monotonic.seconds()
        turn = self.limiter.take_turn(self._recount(at), at)
        if turn > at:
            self.limiter.monotonic.sleep(turn - at)

    def _recount(self, at: float) -> int | None:
        """How many runs charge now; None when counted less than `RECOUNT_SECONDS` ago."""
        if self._connection is None:
            return None
        with self._counting:  # threads can't use one connection at the same time
            if at - self._counted_at < RECOUNT_SECONDS:
                return None
            self._counted_at = at
            return int(self._connection.execute(_COUNT, self.limiter.key).scalar_one())
