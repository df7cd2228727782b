"""Reads a catalogue: a .po file, as translators and their programs write it."""

import re
from gettext import GNUTranslations
from io import BytesIO
from pathlib import Path

import polib

PLACEHOLDER = re.compile(r"%\(\w+\)s")
TAG = re.compile(r"</?\w+[^>]*>")


class BadCatalogue(ValueError):
    """A catalogue that can't be used: the message names its line, and what is wrong there."""


def read(path: Path) -> polib.POFile:
    """The entries of a file. Raises BadCatalogue."""
    try:
        return polib.pofile(str(path), encoding="utf-8")
    except (OSError, ValueError) as error:
        raise BadCatalogue(f"{path.name} can't be read: {error}") from error


def translations(catalogue: polib.POFile, name: str) -> GNUTranslations:
    """Its translated messages; those that are fuzzy, or not translated yet, are left out.

    Raises BadCatalogue for a translation that names other values than the message, or has other tags: it would break its page."""
    for entry in catalogue.translated_entries():
        for translated in (entry.msgstr, *entry.msgstr_plural.values()):
            _compare(entry, translated, name)
    return GNUTranslations(BytesIO(catalogue.to_binary()))


def _compare(entry: polib.POEntry, translated: str, name: str) -> None:
    if not translated:
        return
    originals = [words for words in (entry.msgid, entry.msgid_plural) if words]
    for what, pattern in (("values", PLACEHOLDER), ("tags", TAG)):
        found = sorted(set(pattern.findall(translated)))
        if all(found != sorted(set(pattern.findall(words))) for words in originals):
            raise BadCatalogue(
                f"{name}, line {entry.linenum}: the {what} of {translated!r} aren't those of {entry.msgid!r}"
            )
