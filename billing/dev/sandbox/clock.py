"""The sandbox's only now(): the system's, or one that is held and moved; and by how much it goes wrong."""

import time


class SandboxClock:
    """Whole epoch seconds. Held once `hold` was called with a moment, until it is called with None."""

    def __init__(self) -> None:
        self._held: int | None = None
        self.skew = 0
        """Seconds by which every stamp is ahead of the caller's clock; behind, below zero. A fault: Stripe's clock is its own."""

    @property
    def held(self) -> bool:
        """Whether time stands still until somebody moves it."""
        return self._held is not None

    def true(self) -> int:
        """The moment at which the caller's clock is, in epoch seconds."""
        return int(time.time()) if self._held is None else self._held

    def now(self) -> int:
        """The current moment as stamps and signatures say it, in epoch seconds."""
        return self.true() + self.skew

    def hold(self, at: int | None) -> None:
        """Stand still at `at`; None goes back to the system's time."""
        self._held = at
