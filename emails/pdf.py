"""Prints tax invoices and credit notes as a tagged PDF (H14, PDF/UA-1), in the words of the mail (`compose.sheet_of`)."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.util import find_spec
from typing import Literal

from emails.compose import sheet_of, tidy_house
from emails.fields import Document
from emails.house import House
from emails.languages import ENGLISH, Language, in_whole
from emails.mails import Mail


@dataclass(frozen=True, slots=True)
class Pdf:
    """A PDF and its file name. The same facts give the same bytes, so a mail sent again is the same mail."""

    name: str
    content: bytes


def can_print() -> bool:
    """Whether the printer is installed: the extra `masthead[pdf]`, which weighs as much as half of the rest."""
    return find_spec("typst") is not None


def pdf_of(mail: Mail, house: House, language: Language = ENGLISH) -> Pdf | None:
    """The documents of `mail` as one file; None without documents."""
    return print_documents(mail.documents, house, language) if mail.documents else None


def print_documents(documents: Sequence[Document], house: House, language: Language = ENGLISH) -> Pdf:
    """One file with a page for each document, named after the first; in English if the language lacks a part of them."""
    content = print_layout("paper.typ", sheet_inputs(documents, house, language))
    return Pdf(f"{documents[0].file_name}.pdf", content)


def sheet_inputs(documents: Sequence[Document], house: House, language: Language = ENGLISH) -> dict[str, str]:
    """What `sheets.typ` reads to print these documents, which may be none."""
    tidy = tidy_house(house)
    sheets, written = in_whole(language, lambda it: ([sheet_of(one, tidy, it) for one in documents], it))
    code, _, region = written.tag.partition("-")
    inputs = {"sheets": json.dumps(sheets), "house": json.dumps(house.words), "logo": _logo_of(house)}
    return inputs | {"language": code, "region": region}


def _logo_of(house: House) -> str:
    """The logo as the layout reads it: its form, and its bytes as numbers."""
    logo = house.brand.logo
    return json.dumps(
        {"kind": logo.kind, "bytes": list(logo.content), "is-name": logo.is_name} if logo else None
    )


def print_layout(name: str, inputs: dict[str, str]) -> bytes:
    """The layout of that name, filled in, as a PDF. It may print documents, by the functions of `sheets.typ`."""
    import typst  # here, because it costs 20 ms and 40 MB, and most processes never print

    def compiled(standard: Literal["ua-1"] | None) -> bytes:
        # With system fonts, the same invoice would be another file on another machine.
        return typst.compile(
            _layout(name), sys_inputs=inputs, ignore_system_fonts=True, pdf_standards=standard
        )

    try:
        return compiled("ua-1")
    except typst.TypstError:
        # A typed letter is in none of our fonts; the standard forbids the box that is printed in its place.
        return compiled(None)


@cache
def _layout(name: str) -> bytes:
    templates = files("emails").joinpath("templates")
    return templates.joinpath("sheets.typ").read_bytes() + templates.joinpath(name).read_bytes()
