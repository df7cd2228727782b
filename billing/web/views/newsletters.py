"""The pages on which readers choose and leave newsletters."""

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True, kw_only=True)
class NewsletterBox:
    """One newsletter beside its box. `pending`: ticked, and waiting for the answer to a mail."""

    id: str
    name: str
    description: str
    rhythm: str
    subscribers_only: bool
    chosen: bool = False
    pending: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class NewslettersPage:
    """All of them. Without `reader` an address is asked for; one that isn't `email_verified` sees no choice made before."""

    template: ClassVar[str] = "newsletters/choose.html"
    choices: tuple[NewsletterBox, ...]
    reader: str | None
    email_verified: bool = False
    email: str = ""
    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewslettersAskedPage:
    """The same for every address."""

    template: ClassVar[str] = "newsletters/asked.html"
    days: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NewslettersConfirmPage:
    """With `done` they are on their way; before, a button."""

    template: ClassVar[str] = "newsletters/confirm.html"
    names: tuple[str, ...]
    done: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class NewsletterChoicesPage:
    """Reached from each newsletter without signing in: the lists and nothing else about the reader."""

    template: ClassVar[str] = "newsletters/mine.html"
    choices: tuple[NewsletterBox, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class UnsubscribePage:
    """Before and after the click; `name` is None where the list isn't known any more, or the mail was a test."""

    template: ClassVar[str] = "newsletters/unsubscribe.html"
    name: str | None
    action: str
    done: bool = False
