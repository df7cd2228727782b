"""Builds the wheel and the source archive of this repository, and reads its version and the pages of the releases."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
PAGES = "billing/docs/releases"
HEADINGS = ("What is new", "Before upgrading", "Migrations", "After upgrading", "Go back", "Known limits")
"""What the page of a release says, in this order."""
CALENDAR_VERSION = re.compile(r"(20\d\d)\.([1-9]|1[0-2])\.(0|[1-9]\d*)")
"""Year, month, and the number of the release within the month, counted from 0."""


class Package(NamedTuple):
    """Both forms of a release."""

    wheel: Path
    sdist: Path


def build(into: Path, root: Path = ROOT) -> Package:
    """Build both from the sources at `root`, without asking a registry: the source archive, and from it the wheel. The same commit
    gives the same bytes. Raises CalledProcessError."""
    _build(into, root)
    (wheel,), (sdist,) = into.glob("*.whl"), into.glob("*.tar.gz")
    return Package(wheel, sdist)


def build_wheel(into: Path, root: Path = ROOT) -> Path:
    """Build the wheel alone, straight from the sources. Raises CalledProcessError."""
    _build(into, root, "--wheel")
    (wheel,) = into.glob("*.whl")
    return wheel


def _build(into: Path, root: Path, *only: str) -> None:
    """In a copy, because setuptools leaves files where it builds."""
    with tempfile.TemporaryDirectory() as copy:
        copy_sources(sources(root), Path(copy), root)
        subprocess.run(
            [sys.executable, "-m", "build", "--no-isolation", *only, "--outdir", str(into), copy],
            env=os.environ | {"SOURCE_DATE_EPOCH": git(root, "log", "-1", "--format=%ct")},
            check=True,
            stdin=subprocess.DEVNULL,
            capture_output=True,
        )


def sources(root: Path, *folders: str) -> set[str]:
    """The files that git knows, or would take in."""
    listed = git(root, "ls-files", "--cached", "--others", "--exclude-standard", *folders).split("\n")
    return {name for name in listed if name and (root / name).exists()}


def copy_sources(names: Iterable[str], into: Path, root: Path = ROOT) -> None:
    """Copy files of the repository into a folder, each to its own place."""
    for name in names:
        target = into / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(root / name, target)


def git(root: Path, *words: str) -> str:
    """The output of a git command. Raises CalledProcessError."""
    return subprocess.run(
        ["git", *words], cwd=root, check=True, capture_output=True, text=True
    ).stdout.strip()


def version(root: Path = ROOT) -> str:
    """The version in pyproject.toml."""
    return str(tomllib.loads((root / "pyproject.toml").read_text())["project"]["version"])


def listed(root: Path = ROOT) -> list[str]:
    """The versions that CHANGELOG.md lists, each with a link to its page, as it orders them."""
    return re.findall(
        rf"^- \[([\w.]+)\]\({PAGES}/\1\.md\): \S", (root / "CHANGELOG.md").read_text(), re.MULTILINE
    )


def page(version: str, root: Path = ROOT) -> dict[str, str]:
    """What the page of a release says, by heading; empty without a page."""
    path = root / PAGES / f"{version}.md"
    _, *sections = re.split(r"^## ", path.read_text() if path.exists() else "", flags=re.MULTILINE)
    return {heading.strip(): text.strip() for heading, _, text in (each.partition("\n") for each in sections)}


def migrations(root: Path = ROOT) -> set[str]:
    """The numbers of all migrations."""
    return {path.name[:4] for path in (root / "alembic" / "versions").glob("[0-9]*.py")}
