"""Wait for what another process does. It can't tell a test, so it is asked again and again."""

import time
from collections.abc import Callable

PATIENCE_SECONDS = 90
FIVE_MINUTES = 300.0
PAUSE_SECONDS = 0.01


def eventually(is_so: Callable[[], object], seconds: float = FIVE_MINUTES) -> bool:
    """Whether it becomes so; the limit is only there so that a failing test ends."""
    deadline = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > deadline:
            return False
        time.sleep(PAUSE_SECONDS)
    return True


def until(is_so: Callable[[], object], what: str) -> None:
    """Wait for something to become so, as long as anybody could need."""
    assert eventually(is_so, PATIENCE_SECONDS), f"waited in vain for {what}"
