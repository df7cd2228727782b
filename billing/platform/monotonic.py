"""The monotonic clock: measures how long things take, and waits. Injected like the wall clock, so that tests can step it."""

import time
from collections.abc import Callable
from threading import Condition
from typing import Protocol


class Monotonic(Protocol):
    """Measures spans in seconds and never goes back. It doesn't know the time of day (see `clock`)."""

    def seconds(self) -> float:
        """Seconds since an instant that means nothing by itself."""
        ...

    def sleep(self, seconds: float, /) -> None:
        """Block the calling thread for so many seconds."""
        ...

    def wait_for(self, condition: Condition, is_so: Callable[[], bool], seconds: float) -> bool:
        """Wait until `is_so()`, for so many seconds at most; whether it is so. The caller holds `condition`."""
        ...


class SystemMonotonic:
    """The machine's clock."""

    seconds = staticmethod(time.monotonic)
    """Read at every request, so it is the standard function itself."""
    sleep = staticmethod(time.sleep)

    def wait_for(self, condition: Condition, is_so: Callable[[], bool], seconds: float) -> bool:
        """The same as `Condition.wait_for`."""
        return condition.wait_for(is_so, seconds)
