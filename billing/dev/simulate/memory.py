"""Peak memory and CPU time of all processes of a simulation."""

import time

import psutil

EVERY_SECONDS = 5


class MemoryUse:
    """Samples memory and CPU time. Shared memory is counted once where the system reports it (Linux)."""

    def __init__(self) -> None:
        self.peak = 0
        """Bytes of all processes together, including the embedded PostgreSQL."""
        self._sampled = float("-inf")
        self._spent: dict[tuple[int, float], float] = {}

    @property
    def cpu_seconds(self) -> float:
        """CPU time of all processes, including ended ones up to their last sample."""
        return sum(self._spent.values())

    def sample(self, *, now: bool = False) -> None:
        """Take a sample, unless the last is less than EVERY_SECONDS old."""
        if not now and time.monotonic() - self._sampled < EVERY_SECONDS:
            return
        self._sampled = time.monotonic()
        this = psutil.Process()
        total = 0
        for process in [this, *this.children(recursive=True)]:
            try:
                total += _memory_of(process)
                spent = process.cpu_times()
                self._spent[process.pid, process.create_time()] = spent.user + spent.system
            except psutil.Error:
                continue
        self.peak = max(self.peak, total)


def _memory_of(process: psutil.Process) -> int:
    try:
        return int(process.memory_full_info().pss)
    except (AttributeError, psutil.AccessDenied):
        return int(process.memory_info().rss)
