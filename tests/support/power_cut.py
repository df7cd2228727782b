"""Simulate a power cut in this process at a stop point."""

import threading
from dataclasses import dataclass, field
from typing import Any

from billing.platform import stop_points

NOT_A_PROCESS = ("tests.", "platform.clock.", "platform.installation.")
"""Read-only points: dying there would prove nothing."""


class PowerCut(BaseException):
    """The process is gone. It is no Exception, because no `except Exception` may handle it, as none handles a kill."""


@dataclass
class Power:
    """Cuts the power at the n-th stop point from now. Uncommitted work is lost and locks are free. Until `back`, every stop point
    raises PowerCut."""

    died_at: str | None = None
    _left: int = 0
    _lock: Any = field(default_factory=threading.Lock)

    def cut_after(self, points: int) -> None:
        """Cut the power at the `points`-th stop point from now."""
        self.died_at, self._left = None, points
        stop_points.listen(self._pass)

    def back(self) -> str | None:
        """Restore the power; return the stop point of the cut, if there was one."""
        died_at, self.died_at = self.died_at, None
        if died_at is not None:
            stop_points.listen(None)
        return died_at

    def never(self) -> None:
        """Cancel any cut to come."""
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
