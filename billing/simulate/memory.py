"""How much memory all processes of a simulation hold together, at most."""

import time

import psutil

EVERY_SECONDS = 5


class Memory:
    """Looks now and then. What processes share is counted once, where the system can tell (Linux)."""

    def __init__(self) -> None:
        self.peak = 0
        self.cpu_seconds = 0.0
        """Of all processes that were alive at the look that saw most."""
        self._looked = float("-inf")

    def look(self, *, now: bool = False) -> None:
        """Take a look, unless the last one was a moment ago."""
        if not now and time.monotonic() - self._looked < EVERY_SECONDS:
            return
        self._looked = time.monotonic()
        us = psutil.Process()
        total, seconds = 0, 0.0
        for process in [us, *us.children(recursive=True)]:
            try:
                total += _held(process)
                spent = process.cpu_times()
                seconds += spent.user + spent.system
            except psutil.Error:
                continue
        self.peak = max(self.peak, total)
        self.cpu_seconds = max(self.cpu_seconds, seconds)


def _held(process: psutil.Process) -> int:
    try:
        return int(process.memory_full_info().pss)
    except (AttributeError, psutil.AccessDenied):
        return int(process.memory_info().rss)
