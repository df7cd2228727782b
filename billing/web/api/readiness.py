"""What the probes say about the database, queried on a thread and a connection of its own.

So a probe waits neither for a worker thread nor for the pool, and many probes at once cost one query."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from typing import Generic, TypeVar

import sqlalchemy as sa
from sqlmodel import Session

from billing.container import Services
from billing.http.single_flight import SharedWork
from billing.platform.clock import HeldClock

MAX_AGE_SECONDS = 1.0
"""Age to which a result is reused. With a held clock every probe queries anew, so that tests see changes at once."""
PATIENCE_SECONDS = 5.0
"""After which the database counts as unreachable."""
Found = TypeVar("Found")


class Readiness(Generic[Found]):
    """The latest result of `query`, or the next one."""

    def __init__(self, services: Services, query: Callable[[Session, datetime], Found]) -> None:
        self._database = services.database.apart(pool_size=1)
        is_held = isinstance(services.clock, HeldClock)
        self._clock = HeldClock(self._database) if is_held else services.clock
        self._query = query
        self._results = SharedWork(self._run, services.monotonic.seconds, 0 if is_held else MAX_AGE_SECONDS)

    async def found(self) -> Found | None:
        """A result no older than `MAX_AGE_SECONDS`; None if the database doesn't answer in time."""
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE_SECONDS):
                return await self._results.outcome()
        return None

    def close(self) -> None:
        """Give the connection back."""
        self._database.close()

    def _run(self) -> Found | None:
        try:
            at = self._clock.now()
            with self._database.transaction() as session:
                return self._query(session, at)
        except sa.exc.SQLAlchemyError:
            return None
