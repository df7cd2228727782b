"""The plain text of a mail: paragraphs filled to a line length, and columns that align (X7)."""

import re
import textwrap
from collections.abc import Iterable

WIDTH = 76
INDENT = "  "


def flow(text: str) -> str:
    """The text with paragraphs filled to `WIDTH`; lines that begin with two spaces stay lines of their own.

    A word is never cut, so a link stays whole even where it is longer than a line.
    """
    paragraphs = re.split(r"\n(?:[ \t]*\n)+", text.strip("\n"))
    return "\n\n".join(_fill(paragraph) for paragraph in paragraphs if paragraph.strip()) + "\n"


def columns(pairs: Iterable[tuple[str, str]]) -> str:
    """Labels and values under each other, indented."""
    rows = list(pairs)
    width = max(len(label) for label, _ in rows) + 1
    return "\n".join(f"{INDENT}{label + ':':<{width}}  {value}" for label, value in rows)


def _fill(paragraph: str) -> str:
    lines: list[str] = []
    loose: list[str] = []
    for line in paragraph.split("\n"):
        if line.startswith(INDENT):
            lines += _wrap(" ".join(loose))
            loose = []
            lines += _wrap_kept(line)
        else:
            loose.append(line)
    return "\n".join(lines + _wrap(" ".join(loose)))


def _wrap(words: str, first: str = "", then: str = "") -> list[str]:
    return textwrap.wrap(
        words,
        WIDTH,
        initial_indent=first,
        subsequent_indent=then,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _wrap_kept(line: str) -> list[str]:
    """One kept line. A value too long for it continues below where it began."""
    line = line.rstrip()
    if len(line) <= WIDTH:
        return [line]
    column = re.match(r"  \S.*?:  +", line)
    hang = " " * len(column.group()) if column else INDENT
    head = column.group() if column else INDENT
    return _wrap(line[len(head) :].strip(), head, hang)
