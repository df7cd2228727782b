"""The types of a mail's fields, and their checks. Values fit JSON, because a mail is a row until it is sent."""

import re
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, fields
from datetime import date
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, ClassVar, Literal, Union, get_args, get_origin, get_type_hints
from urllib.parse import urlsplit

from emails.errors import UnsafeLink, WrongFields

Cents = Annotated[int, "cents"]
Day = Annotated[str, "day"]
Url = Annotated[str, "url"]
Code = Annotated[str, "code"]
Words = Annotated[str, "words"]
"""Text typed by a person, in paragraphs; a template gets them as a tuple."""


@dataclass(frozen=True)
class MailFacts:
    """The facts of a mail, or of a document in it. Wrong fields raise `WrongFields`."""

    kind: ClassVar[str]
    """The name of its template, and of the stored row: the class name in lower case without `Mail`, unless `kind=` is given."""

    def __init_subclass__(cls, *, kind: str = "") -> None:
        super().__init_subclass__()
        cls.kind = kind or re.sub(r"(?<!^)(?=[A-Z])", "_", cls.__name__.removesuffix("Mail")).lower()

    def __post_init__(self) -> None:
        for name, hint in hints(type(self)).items():
            problem = _problem(getattr(self, name), hint)
            if problem:
                raise WrongFields(f"{self.kind}.{name} {problem}")

    def check_links(self) -> None:
        """Raises `UnsafeLink` unless every link is http or https and names a host."""
        for name, hint in hints(type(self)).items():
            value = getattr(self, name)
            if value is not None and mark(hint) == "url" and not _is_web_address(value):
                raise UnsafeLink(f"{self.kind}.{name} is {value!r}")


@dataclass(frozen=True)
class Document(MailFacts, ABC):
    """A tax invoice or a credit note: part of the mail's text, and attached to it as a PDF."""

    @property
    @abstractmethod
    def file_name(self) -> str:
        """The file's name without its ending."""


def hints(facts_type: type[MailFacts]) -> dict[str, Any]:
    """The annotations of the fields by name, with their marks."""
    hashable: Any = facts_type  # mypy takes the type for unhashable, and a cache's argument must be
    return _hints(hashable)


@cache
def _hints(facts_type: Any) -> dict[str, Any]:
    found = get_type_hints(facts_type, include_extras=True)
    return {field.name: found[field.name] for field in fields(facts_type)}


def within(hint: Any) -> type[MailFacts] | None:
    """The type inside a tuple field; None for a field with a single value."""
    return get_args(hint)[0] if get_origin(hint) is tuple else None


def places(facts_type: type[MailFacts]) -> frozenset[str]:
    """The fields that may stand for a secret until the mail is sent: links and codes, never what a person typed."""
    return frozenset(name for name, hint in hints(facts_type).items() if mark(hint) in ("url", "code"))


def paragraphed(facts_type: type[MailFacts]) -> frozenset[str]:
    """The fields that keep their paragraphs."""
    return frozenset(name for name, hint in hints(facts_type).items() if mark(hint) == "words")


def mark(hint: Any) -> str | None:
    """The mark of an annotation such as `Cents`."""
    for choice in _choices(hint):
        if get_origin(choice) is Annotated:
            return str(choice.__metadata__[0])
    return None


def _choices(hint: Any) -> tuple[Any, ...]:
    return get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)


def _problem(value: Any, hint: Any) -> str | None:
    if any(fits(value) for fits in _checks(hint)):
        return None
    expected = " or ".join(_in_words(choice) for choice in _choices(hint))
    return f"must be {expected}, not {value!r}"


@cache
def _checks(hint: Any) -> tuple[Callable[[Any], bool], ...]:
    """The checks of an annotation, made once: a billing run writes receipts by the thousand."""
    return tuple(_check(choice) for choice in _choices(hint))


def _check(choice: Any) -> Callable[[Any], bool]:
    if choice is NoneType:
        return lambda value: value is None
    if get_origin(choice) is Literal:
        return lambda value: value in get_args(choice)
    if get_origin(choice) is tuple:
        [of, _] = get_args(choice)
        return lambda value: type(value) is tuple and all(type(entry) is of for entry in value)
    if get_origin(choice) is Annotated:
        return _MARKS[choice.__metadata__[0]][1]
    return lambda value: type(value) is choice


def _is_day(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


_MARKS: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "cents": ("cents as a whole number from 0", lambda value: type(value) is int and value >= 0),
    "day": ("a day such as '2026-03-16'", lambda value: type(value) is str and _is_day(value)),
    "url": ("a link", lambda value: type(value) is str),
    "code": ("a code", lambda value: type(value) is str),
    "words": ("words", lambda value: type(value) is str),
}
"""What a value with this mark must be, and its check."""


def _is_web_address(text: str) -> bool:
    if any(character.isspace() or not character.isprintable() for character in text):
        return False
    try:
        parts = urlsplit(text)
        return parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        return False


def _in_words(choice: Any) -> str:
    if get_origin(choice) is Literal:
        return " or ".join(repr(value) for value in get_args(choice))
    if get_origin(choice) is Annotated:
        return _MARKS[choice.__metadata__[0]][0]
    if get_origin(choice) is tuple:
        return f"any number of {get_args(choice)[0].kind}"
    return "None" if choice is NoneType else str(choice.__name__)
