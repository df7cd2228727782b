"""A monotonic clock that only the test moves."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Condition

PATIENCE_SECONDS = 90
"""Real seconds after which a test gives up waiting for another thread."""


class SteppedClock:
    """A clock that stands still until `step`. A waiting thread wakes when its time has come."""

    def __init__(self, at: float = 1000.0) -> None:
        self._at = at
        self._changed = Condition()
        self._waiters: list[Condition] = []

    def seconds(self) -> float:
        """The clock's seconds."""
        return self._at

    def sleep(self, seconds: float, /) -> None:
        """Block the calling thread until the clock has moved by `seconds`."""
        mine = Condition()
        with mine:
            self.wait_for(mine, lambda: False, seconds)

    def wait_for(self, condition: Condition, is_so: Callable[[], bool], seconds: float) -> bool:
        """Wait until `is_so()`, or until the clock has moved by `seconds`; return `is_so()`."""
        until = self._at + seconds
        if not is_so() and seconds > 0:
            with self._waiting(condition):
                condition.wait_for(lambda: is_so() or self._at >= until)
        return is_so()

    def step(self, seconds: float) -> None:
        """Move the clock and wake the threads whose time has come."""
        with self._changed:
            self._at += seconds
            waiters = list(self._waiters)
        for condition in waiters:
            with condition:
                condition.notify_all()

    def until_waited_for(self, threads: int = 1) -> None:
        """Return when this many threads wait by the clock."""
        with self._changed:
            met = self._changed.wait_for(lambda: len(self._waiters) >= threads, PATIENCE_SECONDS)
        assert met, f"{len(self._waiters)} threads wait by the clock, not {threads}"

    @contextmanager
    def _waiting(self, condition: Condition) -> Iterator[None]:
        with self._changed:
            self._waiters.append(condition)
            self._changed.notify_all()
        try:
            yield
        finally:
            with self._changed:
                self._waiters.remove(condition)
