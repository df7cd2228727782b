"""Work whose outcome serves all who ask for it: one at a time, in a thread of its own, so a crowd costs what one costs."""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Generic, TypeVar

Outcome = TypeVar("Outcome")


class SharedWork(Generic[Outcome]):
    """What came of the work is told for `max_age` seconds. With 0 everybody is told what was begun after they asked."""

    def __init__(self, work: Callable[[], Outcome], seconds: Callable[[], float], max_age: float) -> None:
        self._work = work
        self._seconds = seconds
        self._max_age = max_age
        self._begun = self._ended = 0
        """How often."""
        self._kept: tuple[Outcome, float] | None = None
        """With the moment at which it was begun."""
        self._flight: asyncio.Future[Outcome] | None = None

    async def outcome(self) -> Outcome:
        """The outcome, kept or new. Raises what the work raises."""
        if self._kept is not None and self._seconds() - self._kept[1] < self._max_age:
            return self._kept[0]
        wanted = self._begun if self._flight is not None and self._max_age else self._begun + 1
        while True:
            found = await asyncio.shield(self._flight or self._begin())
            if self._ended >= wanted:
                return found

    def _begin(self) -> asyncio.Future[Outcome]:
        """In a thread that keeps no process from ending, whatever it waits for."""
        loop = asyncio.get_running_loop()
        flight = self._flight = loop.create_future()
        self._begun += 1
        began = self._seconds()

        def work() -> None:
            end: Callable[[], None]
            try:
                found = self._work()
            except Exception as error:
                failure = error
                end = lambda: self._fail(flight, failure)  # noqa: E731
            else:
                end = lambda: self._end(flight, found, began)  # noqa: E731
            with suppress(RuntimeError):  # the loop is closed: nobody waits
                loop.call_soon_threadsafe(end)

        threading.Thread(target=work, name="shared work", daemon=True).start()
        return flight

    def _end(self, flight: asyncio.Future[Outcome], found: Outcome, began: float) -> None:
        self._ended, self._flight, self._kept = self._begun, None, (found, began)
        flight.set_result(found)

    def _fail(self, flight: asyncio.Future[Outcome], error: Exception) -> None:
        self._ended, self._flight = self._begun, None
        flight.set_exception(error)
