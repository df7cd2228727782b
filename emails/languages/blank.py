"""The messages of pages and mails as a whole, for those who translate them into another language."""

from collections.abc import Iterator
from pathlib import Path

import polib

from emails.languages.catalogue import read
from emails.languages.language import Language
from emails.languages.offered import OWN_FOLDER

COMPLETE = OWN_FOLDER / "af.po"
"""A catalogue of ours with every message of the code; a test keeps it so."""


class FileExists(ValueError):
    """A catalogue isn't written over another file: it may be somebody's work."""


def untranslated(language: Language) -> tuple[int, int]:
    """How many sentences a language lacks, and how many there are. Names, which have a context, aren't counted."""
    sentences = [entry.msgid for entry in _messages() if not entry.msgctxt]
    return sum(not language.has(sentence) for sentence in sentences), len(sentences)


def write_blank(path: Path, code: str, name: str) -> int:
    """Write a catalogue without translations, and return how many messages it has. Raises FileExists, OSError."""
    if path.exists():
        raise FileExists(f"{path} exists. Name another file.")
    blank = polib.POFile(wrapwidth=120)
    blank.metadata = {
        "Project-Id-Version": "masthead",
        "Language": f"{code}_ZA",
        "X-Language-Name": name,
        "MIME-Version": "1.0",
        "Content-Type": "text/plain; charset=UTF-8",
        "Content-Transfer-Encoding": "8bit",
        "Plural-Forms": "nplurals=2; plural=(n != 1);",
    }
    for entry in _messages():
        entry.msgstr, entry.msgstr_plural = "", dict.fromkeys(entry.msgstr_plural, "")
        blank.append(entry)
    blank.save(str(path))
    return len(blank)


def _messages() -> Iterator[polib.POEntry]:
    yield from read(COMPLETE)
