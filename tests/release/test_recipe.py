"""`make release` refuses what shouldn't be released, and leaves files whose sums are right."""

import hashlib
import subprocess
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import pytest

from tests.release.__main__ import faults
from tests.release.package import HEADINGS, PAGES, version

PAGE = f"{PAGES}/2026.11.3.md"
NOVEMBER = date(2026, 11, 30)


LINKED = "2026.11.3, a link to its page, and a sentence"


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A small one, ready to be released in November 2026."""
    root = tmp_path / "repository"
    root.mkdir()
    (root / "pyproject.toml").write_text('[project]\nversion = "2026.11.3"\n')
    (root / "CHANGELOG.md").write_text(f"# Changes\n\n- [2026.11.3]({PAGE}): a mend.\n")
    (root / PAGES).mkdir(parents=True)
    written = "\n\n".join(f"## {each}\n\nOf 0001." for each in HEADINGS)
    (root / PAGE).write_text(f"# 2026.11.3\n\nA mend.\n\n{written}\n")
    (root / "alembic" / "versions").mkdir(parents=True)
    (root / "alembic" / "versions" / "0001_first_release.py").touch()
    git(root, "init", "--quiet")
    commit(root)
    return root


def git(root: Path, *words: str) -> None:
    who = ("-c", "user.name=Test", "-c", "user.email=test@example.org", "-c", "commit.gpgsign=false")
    subprocess.run(["git", *who, *words], cwd=root, check=True, capture_output=True)


def commit(root: Path) -> None:
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", "A step")


def test_a_clean_tree_with_a_new_version_of_this_month_may_be_released(repository: Path) -> None:
    assert faults(repository, NOVEMBER) == []


@pytest.mark.parametrize(
    ("file", "old", "new", "words"),
    [
        ("pyproject.toml", "2026.11.3", "1.0", "The version 1.0 isn't year.month.number."),
        ("pyproject.toml", "2026.11.3", "2026.11.03", "The version 2026.11.03 isn't year.month.number."),
        ("CHANGELOG.md", "2026.11.3", "2026.11.4", f"CHANGELOG.md doesn't begin with {LINKED}."),
        ("CHANGELOG.md", ": a mend.", "", f"CHANGELOG.md doesn't begin with {LINKED}."),
        (PAGE, "## Go back\n\nOf 0001.\n\n", "", f"{PAGE} must say, in this order: {', '.join(HEADINGS)}."),
        (
            PAGE,
            "## Go back\n\nOf 0001.",
            "## Go back",
            f"{PAGE} must say, in this order: {', '.join(HEADINGS)}.",
        ),
        (PAGE, "Of 0001.", "None.", "No page tells of migration 0001 and its locks."),
    ],
)
def test_a_version_of_another_form_or_told_of_incompletely_is_refused(
    repository: Path, file: str, old: str, new: str, words: str
) -> None:
    path = repository / file
    path.write_text(path.read_text().replace(old, new))
    commit(repository)
    assert words in faults(repository, NOVEMBER)


def test_a_release_without_its_page_is_refused(repository: Path) -> None:
    (repository / PAGE).unlink()
    commit(repository)
    assert faults(repository, NOVEMBER) == [
        f"{PAGE} must say, in this order: {', '.join(HEADINGS)}.",
        "No page tells of migration 0001 and its locks.",
    ]


def test_a_version_of_another_month_is_refused(repository: Path) -> None:
    assert faults(repository, date(2026, 12, 1)) == [
        "The version 2026.11.3 is of another month; this is 2026.12."
    ]


def test_what_is_not_committed_is_refused(repository: Path) -> None:
    (repository / "notes.txt").write_text("later")
    assert faults(repository, NOVEMBER) == ["There are changes that aren't committed."]


def test_a_version_is_released_once(repository: Path) -> None:
    git(repository, "tag", "v2026.11.3")
    assert faults(repository, NOVEMBER) == ["The tag v2026.11.3 exists. A release is never made twice."]


def test_every_file_has_its_sum(release: Sequence[Path]) -> None:
    *made, sums = release
    ours = version()
    assert {each.name for each in made} == {
        f"masthead-{ours}-py3-none-any.whl",
        f"masthead-{ours}.tar.gz",
        f"masthead-{ours}.cdx.json",
        "notes.md",
        "requirements.lock",
        "requirements-pdf.lock",
    }
    listed = {name: digest for digest, name in (line.split("  ") for line in sums.read_text().splitlines())}
    assert listed == {each.name: hashlib.sha256(each.read_bytes()).hexdigest() for each in made}
