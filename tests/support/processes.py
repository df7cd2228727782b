"""Check whether a process still runs, and end one in order."""

import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil


def has_ended(process: psutil.Process | int) -> bool:
    """Whether the process is gone or a zombie."""
    try:
        found = psutil.Process(process) if isinstance(process, int) else process
        return found.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


@contextmanager
def ending_in_order(process: subprocess.Popen[bytes], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The process ends with the block, by SIGTERM: with exit status 0, or by the signal. `log`: what it wrote."""
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) in (0, -signal.SIGTERM), log.read_text()
