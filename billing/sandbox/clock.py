"""The sandbox's only now(): the system's, or one that is held and moved."""

import time


class Clock:
    """Whole epoch seconds. Held once `hold` was called with a moment, until it is called with None."""

    def __init__(self) -> None:
        self._held: int | None = None

    @property
    def held(self) -> bool:
        """Whether time stands still until somebody moves it."""
        return self._held is not None

    def now(self) -> int:
        """The current moment, in epoch seconds."""
        return int(time.time()) if self._held is None else self._held

    def hold(self, at: int | None) -> None:
        """Stand still at `at`; None goes back to the system's time."""
        self._held = at
