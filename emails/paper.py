"""Prints the documents that a mail carries: tax invoices and credit notes, as a tagged PDF (H14, PDF/UA-1).

What they say are the mail's own words (`compose.sheet_of`)."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cache
from importlib.resources import files
from typing import Literal

from emails.compose import sheet_of, tidied
from emails.fields import Document, Message
from emails.house import House


@dataclass(frozen=True, slots=True)
class Paper:
    """A PDF and what its file is called. The same facts give the same bytes, so a mail that is sent again repeats itself."""

    name: str
    content: bytes


def paper_of(message: Message, house: House) -> Paper | None:
    """The documents that go with `message`; None for one that is only a mail."""
    return print_papers(message.documents, house) if message.documents else None


def print_papers(documents: Sequence[Document], house: House) -> Paper:
    """One file with a page for each of these, called after the first."""
    tidy = House(**tidied(asdict(house)))
    sheets = json.dumps([sheet_of(document, tidy) for document in documents])
    content = _print({"sheets": sheets, "house": json.dumps(asdict(house))})
    return Paper(f"{documents[0].paper_name}.pdf", content)


def _print(told: dict[str, str]) -> bytes:
    import typst  # 20 ms and 40 MB, for those who print

    def as_(standard: Literal["ua-1"] | None) -> bytes:
        # The machine's own fonts would make the same invoice another file elsewhere.
        return typst.compile(_layout(), sys_inputs=told, ignore_system_fonts=True, pdf_standards=standard)

    try:
        return as_("ua-1")
    except typst.TypstError:
        # Somebody typed a letter that no font of ours has; the standard forbids the box that stands in its place.
        return as_(None)


@cache
def _layout() -> bytes:
    return files("emails").joinpath("templates", "paper.typ").read_bytes()
