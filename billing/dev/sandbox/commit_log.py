"""The append-only file behind the store: one JSON line a commit."""

import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

Change = tuple[str, str, dict[str, Any] | None]


class CommitLogBroken(Exception):
    """The journal holds a line that is not ours; move the file away to start afresh."""


class CommitLog:
    """A line is written whole or, when the process was killed inside it, ignored."""

    def __init__(self, path: Path) -> None:
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("ab")

    def read(self) -> Iterator[Change]:
        """Every change in the order it was committed."""
        with self._path.open("rb") as lines:
            for number, line in enumerate(lines, start=1):
                if not line.endswith(b"\n"):
                    return
                try:
                    changes = json.loads(line)
                except ValueError as problem:
                    raise CommitLogBroken(f"{self._path}, line {number}: {problem}") from problem
                yield from changes

    def append(self, changes: Iterable[Change]) -> None:
        """One commit."""
        self._file.write(_line(list(changes)))
        self._file.flush()

    def rewrite(self, changes: Iterable[Change]) -> None:
        """Replace the whole file atomically."""
        fresh = self._path.with_suffix(self._path.suffix + ".new")
        with fresh.open("wb") as target:
            for change in changes:
                target.write(_line([change]))
            target.flush()
            os.fsync(target.fileno())
        self._file.close()
        fresh.replace(self._path)
        self._file = self._path.open("ab")

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()


def _line(changes: list[Change]) -> bytes:
    return json.dumps(changes, separators=(",", ":")).encode() + b"\n"
