"""Copies of the tree in a temporary folder that is removed at the end."""

import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

FROM_TESTS = ("tests", "Makefile", "pyproject.toml")
_LEFT = shutil.ignore_patterns(
    ".git", ".venv", ".data", "__pycache__", "*.egg-info", ".*_cache", ".hypothesis", "build", "dist"
)


class Trees:
    """Makes copies of `root`. With the folder `tests`, the tests and their settings come from there."""

    def __init__(self, root: Path, folder: Path, tests: Path | None) -> None:
        self._root = root
        self._folder = folder
        self._tests = tests
        self.clean = self._copy("clean")

    @contextmanager
    def changed(self, name: str, files: Iterable[tuple[str, bytes]]) -> Iterator[Path]:
        """A copy with these files replaced. It is a new folder, so that no stale bytecode is used."""
        copy = self._copy(name)
        try:
            for path, data in files:
                (copy / path).write_bytes(data)
            yield copy
        finally:
            shutil.rmtree(copy, ignore_errors=True)

    def _copy(self, name: str) -> Path:
        copy = self._folder / name
        shutil.copytree(self._root, copy, ignore=_LEFT, symlinks=True)
        for part in FROM_TESTS if self._tests else ():
            assert self._tests is not None
            _replace(self._tests / part, copy / part)
        if (self._root / ".venv").exists():
            (copy / ".venv").symlink_to((self._root / ".venv").resolve())
        return copy


@contextmanager
def open_trees(root: Path, tests: Path | None = None) -> Iterator[Trees]:
    """Trees for one run."""
    folder = Path(tempfile.mkdtemp(prefix="mutants-"))
    try:
        yield Trees(root, folder, tests)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _replace(given: Path, place: Path) -> None:
    """Replace a file or folder by another; keep it if the other doesn't exist."""
    if given.is_dir():
        shutil.rmtree(place, ignore_errors=True)
        shutil.copytree(given, place, ignore=_LEFT, symlinks=True)
    elif given.exists():
        shutil.copy2(given, place)
