"""Prints the document that a mail carries: a tax invoice or a credit note, as a tagged PDF (H14, PDF/UA-1).

What it says are the mail's own words: what its template calls `heading`, `papers`, `caption`, `lines` and `total`."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal

from emails.compose import said_by, template
from emails.fields import Message
from emails.house import House


@dataclass(frozen=True, slots=True)
class Paper:
    """A PDF and what its file is called. The same facts give the same bytes, so a mail that is sent again repeats itself."""

    name: str
    content: bytes


def paper_of(message: Message, house: House) -> Paper | None:
    """The document that goes with `message`; None for one that is only a mail."""
    return print_papers([message], house) if message.paper_name else None


def print_papers(messages: Sequence[Message], house: House) -> Paper:
    """One file with a page for each of these, called after the first. Each must be a document (`Message.paper_name`)."""
    sheets = json.dumps([_sheet(message, house) for message in messages])
    content = _print({"sheets": sheets, "house": json.dumps(asdict(house))})
    return Paper(f"{messages[0].paper_name}.pdf", content)


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


def _sheet(message: Message, house: House) -> dict[str, Any]:
    words = template(message.kind, "plain").make_module(said_by(message, house) | {"layout": "subject.j2"})
    return {name: getattr(words, name) for name in ("heading", "papers", "caption", "lines", "total")}


@cache
def _layout() -> bytes:
    return files("emails").joinpath("templates", "paper.typ").read_bytes()
