"""Record which test file reaches which function. The instrumented product and its tests import this module.

It is also a pytest plugin, `-p tests.mutation.probe`: functions run to reach a kept moment count for each test that restores it."""

import os
from functools import wraps
from pathlib import Path
from typing import Any

NOTES = Path(__file__).parents[2] / ".reach"
"""The folder in the tested tree with one file for each test process."""
_lived: set[str] = set()
_of_moments: dict[tuple[int, str], frozenset[str]] = {}
_noted: set[tuple[str, str]] = set()


def reached(function: str) -> None:
    """Record that the current test, of this process or its parent, reached this function."""
    _lived.add(function)
    test_file = os.environ.get("PYTEST_CURRENT_TEST", "").partition("::")[0]
    if test_file and (test_file, function) not in _noted:
        _noted.add((test_file, function))
        with (NOTES / str(os.getpid())).open("a") as notes:
            notes.write(f"{function}\t{test_file}\n")


def pytest_sessionstart() -> None:
    """Track which moments installations keep and restore."""
    try:
        from tests.support.installation import Installation
    except ImportError:  # a tree without tests/support
        return
    keep, go_to = Installation.keep, Installation.go_to

    @wraps(keep)
    def keeping(self: Any, name: str) -> None:
        keep(self, name)
        _of_moments[id(self), name] = frozenset(_lived)

    @wraps(go_to)
    def going(self: Any, name: str) -> None:
        go_to(self, name)
        _lived.clear()
        for function in _of_moments[id(self), name]:
            reached(function)

    Installation.keep, Installation.go_to = keeping, going  # type: ignore[method-assign]
