"""Whether a process of the machine still runs."""

import psutil


def has_ended(process: psutil.Process | int) -> bool:
    """Whether it is gone, or only waits to be reaped."""
    try:
        found = psutil.Process(process) if isinstance(process, int) else process
        return found.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
