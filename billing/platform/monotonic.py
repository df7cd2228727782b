"""The monotonic clock: measures spans and waits. Injected like the wall clock, so that tests can step it."""

import time
from collections.abc import Callable
from threading import Condition
from typing import Protocol


class Monotonic(Protocol):
    """Measures spans in seconds and never goes back. `clock` tells the time of day."""

    def seconds(self) -> float:
        """Seconds since an arbitrary instant."""
        ...

    def sleep(self, seconds: float, /) -> None:
        """Block the calling thread for so many seconds."""
        ...

    def wait_for(self, condition: Condition, is_so: Callable[[], bool], seconds: float) -> bool:
        """Wait until `is_so()`, at most so many seconds. Returns whether it is. The caller holds `condition`."""
        ...


class SystemMonotonic:
    """The machine's clock."""

    seconds = staticmethod(time.monotonic)
    """The standard function itself, because it runs at every request."""
    sleep = staticmethod(time.sleep)

    def wait_for(self, condition: Condition, is_so: Callable[[], bool], seconds: float) -> bool:
        """As `Condition.wait_for`."""
        return condition.wait_for(is_so, seconds)
