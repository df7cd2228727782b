"""A language whose every message stands in brackets: what a page shows outside of them is in no catalogue."""

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from gettext import NullTranslations
from html.parser import HTMLParser
from pathlib import Path

import polib
from markupsafe import Markup

from emails.languages import Language, Text
from tests.support.catalogues import Found, messages

OPEN, CLOSE = "⟦", "⟧"
SHOWN_ATTRIBUTES = frozenset({"alt", "aria-label", "placeholder", "title"})
UNSHOWN_TAGS = frozenset({"script", "style"})


class _Bracketed(NullTranslations):
    def gettext(self, message: str) -> str:
        return f"{OPEN}{message}{CLOSE}"

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        return f"{OPEN}{msgid1 if n == 1 else msgid2}{CLOSE}"

    def pgettext(self, context: str, message: str) -> str:
        return f"{OPEN}{message}{CLOSE}"


PSEUDO = Language("xx", "Bracketed", "xx-ZA", _Bracketed())


class _Shown(HTMLParser):
    """Collects what a browser shows or reads out: each block and each attribute on a line of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.text, self.attributes, self.unshown = "", list[str](), 0

    @property
    def words(self) -> str:
        """All of it."""
        return "\n".join((self.text, *self.attributes))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.unshown += tag in UNSHOWN_TAGS
        self.attributes += [value or "" for name, value in attrs if name in SHOWN_ATTRIBUTES]
        self.text += "\n"

    def handle_endtag(self, tag: str) -> None:
        self.unshown -= tag in UNSHOWN_TAGS
        self.text += "\n"

    def handle_data(self, data: str) -> None:
        if not self.unshown:
            self.text += data


def outside(html: str, data: frozenset[str]) -> set[str]:
    """Words of a page in the bracketed language that are in no bracket and none of the `data`."""
    shown = _Shown()
    shown.feed(html)
    return set(outside_text(shown.words, data))


def outside_text(text: str, data: frozenset[str]) -> Iterator[str]:
    """The same for plain text."""
    longest_first = sorted(data, key=len, reverse=True)
    for line in _unbracketed(text).split("\n"):
        left = " ".join(line.split())
        for known in longest_first:
            left = left.replace(known, " ")
        if any(letter.isalpha() for letter in left):
            yield left.strip()


def _unbracketed(text: str) -> str:
    depth, kept = 0, []
    for letter in text:
        depth += letter == OPEN
        if not depth:
            kept.append(letter)
        elif letter == CLOSE:
            depth -= 1
            kept.append("\n" if not depth else "")
    return "".join(kept)


def strings_of(value: object) -> frozenset[str]:
    """The strings in a view or a mail that aren't texts: names, addresses, titles, and what people typed."""
    return frozenset(" ".join(words.split()) for words in _strings(value) if any(map(str.isalpha, words)))


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, Text):
        for inner in value.values.values():
            yield from _strings(inner)
    elif isinstance(value, Markup):
        shown = _Shown()
        shown.feed(value)
        yield from shown.words.split("\n")
    elif isinstance(value, str):
        yield value
        yield from value.split("\n")
    elif is_dataclass(value):
        for field in fields(value):
            yield from _strings(getattr(value, field.name))
    elif isinstance(value, dict):
        yield from _strings(tuple(value.values()))
    elif isinstance(value, list | tuple | set | frozenset):
        for entry in value:
            yield from _strings(entry)
    elif hasattr(value, "model_dump"):
        yield from _strings(value.model_dump())


def write_catalogue(folder: Path, code: str, *, without: str = "") -> None:
    """A catalogue in which each message stands in brackets with the code; `without` isn't translated."""
    made = polib.POFile()
    made.metadata = {
        "Language": f"{code}_ZA",
        "Content-Type": "text/plain; charset=UTF-8",
        "Plural-Forms": "nplurals=2; plural=(n != 1);",
        "X-Language-Name": code,
    }
    for found in messages().values():
        if found.message != without:
            made.append(_bracketed(found, code))
    made.save(str(folder / f"{code}.po"))


def _bracketed(found: Found, code: str) -> polib.POEntry:
    one, many = (f"{OPEN}{code} {words}{CLOSE}" for words in (found.message, found.plural))
    entry = polib.POEntry(msgid=found.message, msgctxt=found.context or None)
    if found.plural:
        entry.msgid_plural, entry.msgstr_plural = found.plural, {0: one, 1: many}
    else:
        entry.msgstr = one
    return entry
