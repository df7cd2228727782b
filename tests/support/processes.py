"""Check whether a process still runs."""

import psutil


def has_ended(process: psutil.Process | int) -> bool:
    """Whether the process is gone or a zombie."""
    try:
        found = psutil.Process(process) if isinstance(process, int) else process
        return found.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
