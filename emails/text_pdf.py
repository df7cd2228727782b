"""Prints text in sections as a PDF, in small type: evidence for a bank, of which a network takes few pages."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal

from emails.pdf import Pdf


@dataclass(frozen=True, slots=True)
class TextSection:
    """A heading with its text; a line break in the text begins a paragraph."""

    heading: str
    text: str


def print_text(name: str, title: str, sections: Sequence[TextSection], author: str) -> Pdf:
    """One file of that name, without its ending. The same text gives the same bytes. Slow: call it with no transaction open."""
    inputs = {
        "title": title,
        "author": author,
        "sections": json.dumps(
            [
                {
                    "heading": section.heading,
                    "lines": [line for line in section.text.split("\n") if line.strip()],
                }
                for section in sections
            ]
        ),
    }
    return Pdf(f"{name}.pdf", _print(inputs))


def _print(inputs: dict[str, str]) -> bytes:
    import typst  # here, as in `emails.pdf`

    def compiled(standard: Literal["ua-1"] | None) -> bytes:
        return typst.compile(_layout(), sys_inputs=inputs, ignore_system_fonts=True, pdf_standards=standard)

    try:
        return compiled("ua-1")
    except typst.TypstError:
        # a typed letter is in none of our fonts
        return compiled(None)


@cache
def _layout() -> bytes:
    return files("emails").joinpath("templates", "pages.typ").read_bytes()
