"""The sandbox's clock: the system's time or a held one, plus a skew."""

import time


class SandboxClock:
    """Whole epoch seconds. `hold` with an instant stops the clock; `hold(None)` lets it run."""

    def __init__(self) -> None:
        self._held: int | None = None
        self.skew = 0
        """A fault: seconds by which timestamps are ahead of the caller's clock; negative: behind."""

    @property
    def held(self) -> bool:
        """Whether the clock is held."""
        return self._held is not None

    def true(self) -> int:
        """The caller's time in epoch seconds, without skew."""
        return int(time.time()) if self._held is None else self._held

    def now(self) -> int:
        """The time of timestamps and signatures in epoch seconds, with skew."""
        return self.true() + self.skew

    def hold(self, at: int | None) -> None:
        """Hold the clock at `at`; None returns to the system's time."""
        self._held = at
