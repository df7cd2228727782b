"""One language, and what it lacks."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import lru_cache
from gettext import NullTranslations
from typing import Any, TypeVar

from emails.languages.text import Text

MOST_KEPT = 1_000
"""Texts without a message of their own that are kept: every page has today's date, and most have the same few prices."""
Made = TypeVar("Made")
_MISSING: ContextVar[set[str] | None] = ContextVar("missing", default=None)


class _Missing(NullTranslations):
    """What is asked for, and not translated. Names are no gap: a publisher's plan may have any."""

    def gettext(self, message: str) -> str:
        _note(message)
        return message

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        _note(msgid1)
        return super().ngettext(msgid1, msgid2, n)


def _note(message: str) -> None:
    missing = _MISSING.get()
    if missing is not None:
        missing.add(message)


@contextmanager
def missing() -> Iterator[set[str]]:
    """Collects the messages that what is rendered within lacks."""
    found: set[str] = set()
    token = _MISSING.set(found)
    try:
        yield found
    finally:
        _MISSING.reset(token)


@dataclass(frozen=True, eq=False)
class Language:
    """A language in which pages and mails are written: its code ("af"), its own name ("Afrikaans"), its tag for browsers ("af-ZA")."""

    code: str
    name: str
    tag: str
    translations: NullTranslations = field(default_factory=NullTranslations)

    def __post_init__(self) -> None:
        if self.code != "en":
            self.translations.add_fallback(_Missing())

    def has(self, message: str) -> bool:
        """Whether the message is translated; in English all are."""
        with missing() as gaps:
            self.message(message)
        return not gaps

    def message(self, message: str, context: str = "") -> str:
        """A message in this language, and in English where it isn't translated."""
        if not message:
            return ""  # to gettext it is the header of the catalogue
        return self.translations.pgettext(context, message) if context else self.translations.gettext(message)

    def plural(self, one: str, many: str, number: int) -> str:
        """The message for that number of things."""
        return self.translations.ngettext(one, many, number)

    def text(self, text: Text) -> str:
        """A sentence in this language."""
        if self is ENGLISH:
            return str(text)  # a plain one: it is escaped in half the time
        return _kept(self, text.context, text) if text.context else self._written(text)

    def shown(self, value: Any) -> Any:
        """A value as a template shows it: a text in this language, and anything else as it is."""
        return self.text(value) if isinstance(value, Text) else value

    def _written(self, text: Text) -> str:
        words = self.message(text.message, text.context)
        return (
            words % {name: self.shown(value) for name, value in text.values.items()} if text.values else words
        )


ENGLISH = Language("en", "English", "en-ZA")


def in_whole(language: Language, make: Callable[[Language], Made]) -> Made:
    """What `make` makes in that language; in English if the language lacks a part of it, as two languages in one help nobody."""
    if language is ENGLISH:
        return make(ENGLISH)
    with missing() as gaps:
        made = make(language)
    return make(ENGLISH) if gaps else made


@lru_cache(MOST_KEPT)
def _kept(language: Language, _context: str, text: Text) -> str:
    """Names, days and amounts: two with the same English words and context are the same."""
    return language._written(text)
