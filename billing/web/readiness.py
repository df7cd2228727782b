"""What operators are told about the database, looked up apart from all requests: on a thread and a connection of its own.

So a probe waits neither for a worker thread nor for the pool, and a crowd of probes makes one look."""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from typing import Generic, TypeVar

import sqlalchemy as sa
from sqlmodel import Session

from billing.clock import HeldClock
from billing.parts import Parts

MAX_AGE_SECONDS = 1.0
"""For which what was found is told again. Where the clock is held each probe has a look of its own: what was done is true at once."""
PATIENCE_SECONDS = 5.0
"""After which the database counts as one that doesn't answer."""
Found = TypeVar("Found")


class Readiness(Generic[Found]):
    """The last look; and the next one, which everybody who asks meanwhile waits for."""

    def __init__(self, parts: Parts, look: Callable[[Session, datetime], Found]) -> None:
        self._database = parts.database.apart(pool_size=1)
        self._is_held = isinstance(parts.clock, HeldClock)
        self._clock = HeldClock(self._database) if self._is_held else parts.clock
        self._seconds = parts.monotonic.seconds
        self._look = look
        self._begun = self._ended = 0
        """Looks."""
        self._began_at = 0.0
        self._found: Found | None = None
        self._flight: asyncio.Future[Found | None] | None = None

    async def found(self) -> Found | None:
        """What a look found, no older than `MAX_AGE_SECONDS`; None where the database doesn't answer in time."""
        is_recent = not self._is_held and self._seconds() - self._began_at < MAX_AGE_SECONDS
        wanted = self._begun if self._begun and is_recent else self._begun + 1
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE_SECONDS):
                while self._ended < wanted:
                    await asyncio.shield(self._flight or self._begin())
                return self._found
        return None

    def close(self) -> None:
        """Give the connection back."""
        self._database.close()

    def _begin(self) -> asyncio.Future[Found | None]:
        """In a thread that keeps no process from ending, whatever the database does."""
        loop = asyncio.get_running_loop()
        flight = self._flight = loop.create_future()
        self._begun += 1
        self._began_at = self._seconds()

        def work() -> None:
            found: Found | None = None
            failure: Exception | None = None
            try:
                found = self._ask()
            except Exception as error:
                failure = error
            with suppress(RuntimeError):  # the loop is closed: nobody waits
                loop.call_soon_threadsafe(self._end, flight, found, failure)

        threading.Thread(target=work, name="readiness", daemon=True).start()
        return flight

    def _ask(self) -> Found | None:
        try:
            at = self._clock.now()
            with self._database.transaction() as session:
                return self._look(session, at)
        except sa.exc.SQLAlchemyError:
            return None

    def _end(
        self, flight: asyncio.Future[Found | None], found: Found | None, failure: Exception | None
    ) -> None:
        self._ended, self._flight, self._found = self._begun, None, found
        if failure is not None:
            flight.set_exception(failure)
        else:
            flight.set_result(found)
