"""Poll for a condition that another process brings about and can't signal."""

import time
from collections.abc import Callable

PATIENCE_SECONDS = 90
FIVE_MINUTES = 300.0
PAUSE_SECONDS = 0.01


def eventually(is_so: Callable[[], object], seconds: float = FIVE_MINUTES) -> bool:
    """Poll until `is_so()`; return whether it became so. The limit only ends a failing test."""
    deadline = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > deadline:
            return False
        time.sleep(PAUSE_SECONDS)
    return True


def until(is_so: Callable[[], object], what: str) -> None:
    """Poll until `is_so()`; fail after PATIENCE_SECONDS."""
    assert eventually(is_so, PATIENCE_SECONDS), f"waited in vain for {what}"
