"""Prints text in sections as a PDF, in small type: evidence for a bank, of which a network takes few pages."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from emails.fields import Document
from emails.house import House
from emails.pdf import Pdf, print_layout, sheet_inputs


@dataclass(frozen=True, slots=True)
class TextSection:
    """A heading with its text; a line break in the text begins a paragraph."""

    heading: str
    text: str


def print_text(
    name: str,
    title: str,
    sections: Sequence[TextSection],
    house: House,
    documents: Sequence[Document] = (),
) -> Pdf:
    """One file of that name, without its ending; the documents follow the text, a page for each. The same text gives the same bytes.
    Slow: call it with no transaction open."""
    inputs = sheet_inputs(documents, house) | {
        "title": title,
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
    return Pdf(f"{name}.pdf", print_layout("pages.typ", inputs))
