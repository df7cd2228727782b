"""A lock that allows one program at a time on a folder. It ends with its holder, even a killed one."""

import fcntl
import os
import time
from pathlib import Path
from typing import IO

LINGER_SECONDS = 15.0


class FolderTaken(Exception):
    """Another program works on this folder."""


def take(path: Path) -> IO[str]:
    """Take the lock file. Closing the returned file releases the lock, as does the death of all its holders.

    If the holder is dead but its guard is still cleaning up, wait for that. Raises `FolderTaken`, or OSError if the file can't be
    written.
    """
    lock = path.open("a+")
    until = time.monotonic() + LINGER_SECONDS
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            break
        except BlockingIOError:
            if _holder_lives(lock) or time.monotonic() > until:
                lock.close()
                raise FolderTaken from None
            time.sleep(0.05)
    lock.truncate(0)
    lock.write(f"{os.getpid()}\n")
    lock.flush()
    return lock


def _holder_lives(lock: IO[str]) -> bool:
    lock.seek(0)
    try:
        os.kill(int(lock.read()), 0)
    except (ProcessLookupError, ValueError):
        return False
    except PermissionError:
        return True
    return True
