"""What a field of a message may hold, and the checks behind it.

Fields are JSON-able, because a message waits as a row before it is written out.
"""

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
"""What a person wrote, in paragraphs; a template gets them as a tuple."""


@dataclass(frozen=True)
class Facts:
    """What a mail, or a document in it, says, before it is put into words. Wrong fields raise `WrongFields`."""

    kind: ClassVar[str]

    def __post_init__(self) -> None:
        for name, hint in hints(type(self)).items():
            problem = _problem(getattr(self, name), hint)
            if problem:
                raise WrongFields(f"{self.kind}.{name} {problem}")


@dataclass(frozen=True)
class Document(Facts, ABC):
    """A tax invoice or a credit note. It stands in the mail, and goes with it as a file."""

    @property
    @abstractmethod
    def paper_name(self) -> str:
        """What its file is called, without its ending."""


@dataclass(frozen=True)
class Message(Facts):
    """One mail to one reader."""

    @property
    def documents(self) -> tuple[Document, ...]:
        """What it carries, in order; nothing where it is only a mail."""
        return ()

    def check_links(self) -> None:
        """Raises `UnsafeLink` unless every link is http or https and names a host."""
        for name, hint in hints(type(self)).items():
            value = getattr(self, name)
            if value is not None and _mark(hint) == "url" and not _is_web_address(value):
                raise UnsafeLink(f"{self.kind}.{name} is {value!r}")


def hints(message_type: type[Facts]) -> dict[str, Any]:
    """The annotations of a message's fields by name, with their marks."""
    asked: Any = message_type
    return _hints(asked)


def within(hint: Any) -> type[Facts] | None:
    """What a field holds any number of; None for one that holds a single value."""
    return get_args(hint)[0] if get_origin(hint) is tuple else None


def places(message_type: type[Message]) -> frozenset[str]:
    """The fields that may stand for a secret until the mail is sent: its links and its code, never others' words."""
    return frozenset(name for name, hint in hints(message_type).items() if _mark(hint) in ("url", "code"))


def paragraphed(message_type: type[Message]) -> frozenset[str]:
    """The fields that keep their paragraphs."""
    return frozenset(name for name, hint in hints(message_type).items() if _mark(hint) == "words")


@cache
def _hints(message_type: Any) -> dict[str, Any]:
    found = get_type_hints(message_type, include_extras=True)
    return {field.name: found[field.name] for field in fields(message_type)}


def _mark(hint: Any) -> str | None:
    for choice in _choices(hint):
        if get_origin(choice) is Annotated:
            return str(choice.__metadata__[0])
    return None


def _choices(hint: Any) -> tuple[Any, ...]:
    return get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)


def _problem(value: Any, hint: Any) -> str | None:
    if any(fits(value) for fits in _checks(hint)):
        return None
    wanted = " or ".join(_in_words(choice) for choice in _choices(hint))
    return f"must be {wanted}, not {value!r}"


@cache
def _checks(hint: Any) -> tuple[Callable[[Any], bool], ...]:
    """What a value may be, read from the annotation once: receipts are written by the thousand."""
    return tuple(_check(choice) for choice in _choices(hint))


def _check(choice: Any) -> Callable[[Any], bool]:
    if choice is NoneType:
        return lambda value: value is None
    if get_origin(choice) is Literal:
        return lambda value: value in get_args(choice)
    if get_origin(choice) is tuple:
        [of, _] = get_args(choice)
        return lambda value: type(value) is tuple and all(type(one) is of for one in value)
    if get_origin(choice) is not Annotated:
        return lambda value: type(value) is choice
    mark = choice.__metadata__[0]
    if mark == "cents":
        return lambda value: type(value) is int and value >= 0
    if mark == "day":
        return lambda value: type(value) is str and _is_day(value)
    return lambda value: type(value) is str


def _is_day(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


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
        marks = {
            "cents": "cents as a whole number from 0",
            "day": "a day such as '2026-03-16'",
            "url": "a link",
            "code": "a code",
            "words": "words",
        }
        return marks[choice.__metadata__[0]]
    if get_origin(choice) is tuple:
        return f"any number of {get_args(choice)[0].kind}"
    return "None" if choice is NoneType else str(choice.__name__)
