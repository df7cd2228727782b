"""Cut the power of everything that runs in this process, at a stop point."""

import threading
from dataclasses import dataclass, field
from typing import Any

from billing.platform import stop_points

NOT_A_PROCESS = ("tests.", "platform.clock.", "platform.installation.")
"""Points that only look: passing them changes nothing, so dying there tells nothing."""


class PowerCut(BaseException):
    """The process is gone. No `except Exception` of ours may hear of it, as none hears of a kill."""


@dataclass
class Power:
    """Cuts the power of everything that runs here, at the so-manieth stop point from now: what is not committed is lost, and
    locks are free. Then nothing passes a point until it is back."""

    died_at: str | None = None
    _left: int = 0
    _lock: Any = field(default_factory=threading.Lock)

    def cut_after(self, points: int) -> None:
        """So many points are passed; at the last of them it is over."""
        self.died_at, self._left = None, points
        stop_points.listen(self._pass)

    def back(self) -> str | None:
        """Power again; where it was cut, if it was."""
        died_at, self.died_at = self.died_at, None
        if died_at is not None:
            stop_points.listen(None)
        return died_at

    def never(self) -> None:
        """No cut is to come any more."""
        stop_points.listen(None)
        self.died_at = None

    def _pass(self, name: str) -> None:
        if name.startswith(NOT_A_PROCESS):
            return
        with self._lock:
            if self.died_at is None:
                self._left -= 1
                if self._left > 0:
                    return
                self.died_at = name
        raise PowerCut(name)
