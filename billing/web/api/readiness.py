"""What operators are told about the database, looked up apart from all requests: on a thread and a connection of its own.

So a probe waits neither for a worker thread nor for the pool, and a crowd of probes makes one look."""

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
"""For which what was found is told again. Where the clock is held each probe has a look of its own: what was done is true at once."""
PATIENCE_SECONDS = 5.0
"""After which the database counts as one that doesn't answer."""
Found = TypeVar("Found")


class Readiness(Generic[Found]):
    """The last look at the database, or the next one."""

    def __init__(self, services: Services, look: Callable[[Session, datetime], Found]) -> None:
        self._database = services.database.apart(pool_size=1)
        is_held = isinstance(services.clock, HeldClock)
        self._clock = HeldClock(self._database) if is_held else services.clock
        self._look = look
        self._looks = SharedWork(self._ask, services.monotonic.seconds, 0 if is_held else MAX_AGE_SECONDS)

    async def found(self) -> Found | None:
        """What a look found, no older than `MAX_AGE_SECONDS`; None where the database doesn't answer in time."""
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE_SECONDS):
                return await self._looks.outcome()
        return None

    def close(self) -> None:
        """Give the connection back."""
        self._database.close()

    def _ask(self) -> Found | None:
        try:
            at = self._clock.now()
            with self._database.transaction() as session:
                return self._look(session, at)
        except sa.exc.SQLAlchemyError:
            return None
