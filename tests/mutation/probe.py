"""Imported by a changed product and by its tests: notes which test file comes by which function.

A plugin of pytest too, `-p tests.mutation.probe`: what was lived through to reach a kept moment counts for each test that goes there."""

import os
from functools import wraps
from pathlib import Path
from typing import Any

NOTES = Path(__file__).parents[2] / ".reach"
"""A file for each process of tests, in the tree that is tested."""
_lived: set[str] = set()
_of_moments: dict[tuple[int, str], frozenset[str]] = {}
_noted: set[tuple[str, str]] = set()


def reached(function: str) -> None:
    """The test that runs now, in this process or the one that started it, came by this function."""
    _lived.add(function)
    test_file = os.environ.get("PYTEST_CURRENT_TEST", "").partition("::")[0]
    if test_file and (test_file, function) not in _noted:
        _noted.add((test_file, function))
        with (NOTES / str(os.getpid())).open("a") as notes:
            notes.write(f"{function}\t{test_file}\n")


def pytest_sessionstart() -> None:
    """Follow installations as they keep moments and go back to them."""
    try:
        from tests.support.installation import Installation
    except ImportError:  # a tree without installations
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
