"""How much memory all processes of a simulation hold together, at most, and what they spent of the processor."""

import time

import psutil

EVERY_SECONDS = 5


class MemoryUse:
    """Looks now and then. What processes share is counted once, where the system can tell (Linux)."""

    def __init__(self) -> None:
        self.peak = 0
        """Bytes, of all together; the embedded PostgreSQL's are among them."""
        self._looked = float("-inf")
        self._spent: dict[tuple[int, float], float] = {}

    @property
    def cpu_seconds(self) -> float:
        """Of all processes, those that ended among them, as far as they were seen: what one did after the last look at it is
        missing."""
        return sum(self._spent.values())

    def look(self, *, now: bool = False) -> None:
        """Take a look, unless the last one was a moment ago."""
        if not now and time.monotonic() - self._looked < EVERY_SECONDS:
            return
        self._looked = time.monotonic()
        us = psutil.Process()
        held = 0
        for process in [us, *us.children(recursive=True)]:
            try:
                held += _held(process)
                spent = process.cpu_times()
                self._spent[process.pid, process.create_time()] = spent.user + spent.system
            except psutil.Error:
                continue
        self.peak = max(self.peak, held)


def _held(process: psutil.Process) -> int:
    try:
        return int(process.memory_full_info().pss)
    except (AttributeError, psutil.AccessDenied):
        return int(process.memory_info().rss)
