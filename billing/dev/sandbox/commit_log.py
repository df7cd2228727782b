"""The append-only journal file of the store: one JSON line for each commit."""

import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

Change = tuple[str, str, dict[str, Any] | None]


class CommitLogBroken(Exception):
    """The journal holds a line that is not ours; move the file away to start afresh."""


class CommitLog:
    """The journal. An incomplete last line, left by a killed process, is ignored."""

    def __init__(self, path: Path) -> None:
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("ab")

    def read(self) -> Iterator[Change]:
        """Yield every change in commit order; raises CommitLogBroken."""
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
        """Append one commit."""
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
        """Close the file."""
        self._file.close()


def _line(changes: list[Change]) -> bytes:
    return json.dumps(changes, separators=(",", ":")).encode() + b"\n"
