"""The pages on which readers choose and leave newsletters."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import ClassVar, Self

from billing.newsletters.models import Audience, Newsletter
from emails.languages import Text


@dataclass(frozen=True, slots=True, kw_only=True)
class BoxBlock:
    """Since when and why a newsletter isn't sent to this address. `is_final`: only staff can lift it."""

    since: date
    why: Text
    is_final: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class NewsletterBox:
    """One newsletter with its box. `pending`: ticked, and the mail that asks isn't answered."""

    newsletter: Newsletter
    chosen: bool
    pending: bool
    block: BoxBlock | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewslettersPage:
    """All newsletters. Without `reader` the page asks for an address; without `email_verified` it shows no earlier choice."""

    template: ClassVar[str] = "newsletters/choose.html"
    choices: tuple[NewsletterBox, ...]
    reader: str | None
    email_verified: bool = False
    email: str = ""
    error: Text | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewslettersAskedPage:
    """The same for every address."""

    template: ClassVar[str] = "newsletters/asked.html"
    days: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NewslettersConfirmPage:
    """A button that confirms; with `done`, the answer to it. `for_subscribers`: those of the names that come to subscribers alone.
    `retired`: what was ticked too, and isn't published any more."""

    template: ClassVar[str] = "newsletters/confirm.html"
    names: tuple[str, ...]
    for_subscribers: tuple[str, ...] = ()
    retired: tuple[str, ...] = ()
    done: bool = False

    @classmethod
    def of(cls, asked: Sequence[Newsletter]) -> Self:
        """The page for these newsletters."""
        found = [row for row in asked if row.retired_at is None]
        return cls(
            names=tuple(row.name for row in found),
            for_subscribers=tuple(row.name for row in found if row.audience is Audience.SUBSCRIBERS),
            retired=tuple(row.name for row in asked if row.retired_at is not None),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class NewsletterChoicesPage:
    """From a newsletter's link, without signing in: the lists and nothing else about the reader.

    `stopped`: the names that one press takes back, from their stop at `stopped_at`; `blocked`: why others can't be."""

    template: ClassVar[str] = "newsletters/mine.html"
    choices: tuple[NewsletterBox, ...]
    stopped: tuple[str, ...] = ()
    stopped_at: str = ""
    blocked: Text | None = None
    error: Text | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UnsubscribePage:
    """Before and after the click. `name` is None where the list is gone, or the mail was a test; `several` in a link for more than one.

    `can_take_back`: one press undoes the stop; `blocked`: why it can't; `taken_back`: it has been undone.
    `retired`: none of its newsletters is published any more."""

    template: ClassVar[str] = "newsletters/unsubscribe.html"
    name: str | None
    action: str
    done: bool = False
    can_take_back: bool = False
    blocked: Text | None = None
    taken_back: bool = False
    several: bool = False
    retired: bool = False
