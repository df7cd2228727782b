"""Work that runs once for all callers who want its result at the same time, in a thread of its own."""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Generic, TypeVar

Outcome = TypeVar("Outcome")


class SharedWork(Generic[Outcome]):
    """A result is reused for `max_age` seconds. With 0, a caller gets one that was begun after the call."""

    def __init__(self, work: Callable[[], Outcome], seconds: Callable[[], float], max_age: float) -> None:
        self._work = work
        self._seconds = seconds
        self._max_age = max_age
        self._begun = self._ended = 0
        """Numbers of runs."""
        self._kept: tuple[Outcome, float] | None = None
        """The last result, with the moment at which its run began."""
        self._flight: asyncio.Future[Outcome] | None = None

    async def outcome(self) -> Outcome:
        """The result, reused or new. Raises what the work raises."""
        if self._kept is not None and self._seconds() - self._kept[1] < self._max_age:
            return self._kept[0]
        # with a `max_age` of 0, the run under way began too early for this caller: wait for the next one
        needed = self._begun if self._flight is not None and self._max_age else self._begun + 1
        while True:
            # shielded: a caller that goes away must not cancel the run for the others
            found = await asyncio.shield(self._flight or self._begin())
            if self._ended >= needed:
                return found

    def _begin(self) -> asyncio.Future[Outcome]:
        """Start a run in a daemon thread, so that a hanging one doesn't keep the process from ending."""
        loop = asyncio.get_running_loop()
        flight = self._flight = loop.create_future()
        self._begun += 1
        began = self._seconds()

        def work() -> None:
            end: Callable[[], None]
            try:
                found = self._work()
            except Exception as error:
                end = partial(self._fail, flight, error)
            else:
                end = partial(self._end, flight, found, began)
            with suppress(RuntimeError):  # the loop is closed: no caller waits
                loop.call_soon_threadsafe(end)

        threading.Thread(target=work, name="shared work", daemon=True).start()
        return flight

    def _end(self, flight: asyncio.Future[Outcome], found: Outcome, began: float) -> None:
        self._ended, self._flight, self._kept = self._begun, None, (found, began)
        flight.set_result(found)

    def _fail(self, flight: asyncio.Future[Outcome], error: Exception) -> None:
        self._ended, self._flight = self._begun, None
        flight.set_exception(error)
