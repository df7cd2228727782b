"""The commands of the docs, for tests that run them as they stand.

A block of commands is either read by a test through `documented`, or listed in `NOT_RUN`: `tests/stories/test_documented_blocks.py` checks it."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "billing" / "docs"
PAGES = {
    **{name: ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")},
    **{path.name: path for path in sorted(DOCS.glob("*.md"))},
}
NOT_RUN = {
    (
        "README.md",
        "Masthead",
    ): "`make test` runs this test; `tests/test_make.py` holds what `make demo` starts",
    ("figures.md", "Beside Ghost"): "installs Ghost and MySQL, and measures",
    ("operate.md", "With containers"): "needs a container engine; `tests/deploy/test_image.py` does without",
    (
        "operate.md",
        "With systemd",
    ): "changes the machine's own services; `tests/deploy/test_files.py` checks them",
    ("try.md", "A year in minutes"): "takes minutes; `tests/dev/simulate/test_lives.py` lives shorter ones",
}
"""By page and heading, the blocks of commands that no test runs, each with the reason."""
_BLOCK = re.compile(
    r"^#+ (?P<heading>[^\n]+)$|^ *```(?P<tag>\w*)\n(?P<text>.*?)^ *```$", re.MULTILINE | re.DOTALL
)


def blocks() -> dict[tuple[str, str], list[str]]:
    """All blocks of commands, by page and heading. One with another tag, such as `text` for a drawing, is none."""
    found: dict[tuple[str, str], list[str]] = {}
    for page, path in PAGES.items():
        heading = ""
        for each in _BLOCK.finditer(path.read_text()):
            heading = each["heading"] or heading
            if each["heading"] is None and each["tag"] in ("", "sh"):
                found.setdefault((page, heading), []).append(each["text"])
    return found


def documented(page: str, heading: str) -> list[str]:
    """The blocks below a heading, as they stand. Raises KeyError where there is none."""
    return blocks()[page, heading]


def inline(page: str, start: str) -> list[str]:
    """The commands within the text of a page that begin so, in its order."""
    text = re.sub(_BLOCK, "", PAGES[page].read_text())
    return re.findall(rf"`({re.escape(start)}[^`\n]*)`", text)


def inline_command(page: str, start: str) -> str:
    """The one command of these."""
    (found,) = inline(page, start)
    return found


def read_by_tests() -> set[tuple[str, str]]:
    """Page and heading of each block that a test reads."""
    call = re.compile(r'\bdocumented\(\s*"([^"]+)", "([^"]+)"\s*\)')
    return {found for path in (ROOT / "tests").rglob("test_*.py") for found in call.findall(path.read_text())}
