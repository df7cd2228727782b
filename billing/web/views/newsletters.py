"""The pages on which readers choose and leave newsletters."""

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One newsletter beside its box. `pending`: ticked, and waiting for the answer to a mail."""

    id: str
    name: str
    description: str
    rhythm: str
    subscribers_only: bool
    chosen: bool = False
    pending: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Newsletters:
    """All of them. Without `reader` an address is asked for; one that isn't `proved` sees no choice made before."""

    template: ClassVar[str] = "newsletters/choose.html"
    choices: tuple[Choice, ...]
    reader: str | None
    proved: bool = False
    email: str = ""
    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewslettersAsked:
    """The same for every address."""

    template: ClassVar[str] = "newsletters/asked.html"
    days: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NewslettersConfirm:
    """With `done` they are on their way; before, a button."""

    template: ClassVar[str] = "newsletters/confirm.html"
    names: tuple[str, ...]
    done: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class NewsletterChoices:
    """Reached from each newsletter without signing in: the lists and nothing else about the reader."""

    template: ClassVar[str] = "newsletters/mine.html"
    choices: tuple[Choice, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsubscribe:
    """Before and after the click; `name` is None where the list isn't known any more, or the mail was a test."""

    template: ClassVar[str] = "newsletters/unsubscribe.html"
    name: str | None
    action: str
    done: bool = False
