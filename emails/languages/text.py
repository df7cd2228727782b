"""Sentences in Python code that pages and mails show in their reader's language.

A `Text` is its English words, as a `str`: logs and programs read those. A template that shows one translates it."""

from collections.abc import Mapping
from typing import Any, Self


class Text(str):
    """A sentence in English that knows its message, and the values in it."""

    __slots__ = ("context", "message", "values")
    context: str
    message: str
    values: Mapping[str, object]
    """Strings, numbers and texts."""

    def __new__(cls, message: str, values: Mapping[str, object] | None = None, context: str = "") -> Self:
        text = super().__new__(cls, message % values if values else message)
        text.context, text.message, text.values = context, message, values or {}
        return text

    def __getnewargs__(self) -> tuple[Any, ...]:  # a copy, or a pickle, has the values too
        return self.message, self.values, self.context


NO_WORDS = Text("")
"""Nothing to say."""


def named(context: str, message: str) -> Text:
    """A name, translated by what it stands for, such as `named("month", "May")`. One in no catalogue is shown as it is."""
    return Text(message, None, context)


_AMOUNT = named("amount", "%(units)s.%(rest)s")


def amount(words: str) -> Text:
    """An amount of money, written in English: "R1 234.50"."""
    units, point, rest = words.rpartition(".")
    return (
        Text(_AMOUNT.message, {"units": units, "rest": rest}, _AMOUNT.context)
        if point
        else Text(words, None, "amount")
    )


def store_text(text: Text) -> dict[str, Any]:
    """A text as JSON, for a mail that waits. `load_text` reads it."""
    values = {
        name: store_text(value) if isinstance(value, Text) else value for name, value in text.values.items()
    }
    return {"context": text.context, "message": text.message, "values": values}


def load_text(stored: Mapping[str, Any]) -> Text:
    """The text that `store_text` made into JSON."""
    values = {
        name: load_text(value) if isinstance(value, dict) else value
        for name, value in stored["values"].items()
    }
    return Text(stored["message"], values, stored["context"])
