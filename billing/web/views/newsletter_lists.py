"""The staff page of newsletters themselves: what readers can sign up for."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import ClassVar


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedRow:
    """A newsletter. `people` are on its list now; `retired_on` is the day since which nobody can join them."""

    newsletter_id: str
    name: str
    description: str
    rhythm: str
    promotional: bool
    for_subscribers: bool
    people: int
    retired_on: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TypedNewsletterForm:
    """What was typed into one of the page's forms, and what is wrong with it. `newsletter_id` is empty for the form that adds one."""

    newsletter_id: str
    name: str
    values: Mapping[str, str] = field(default_factory=dict)
    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewsletterListsPage:
    """All newsletters in the order of the readers' page, and a form for each change."""

    template: ClassVar[str] = "staff/newsletter_lists.html"
    rows: tuple[PublishedRow, ...]
    typed: TypedNewsletterForm | None = None

    @property
    def stray_error(self) -> str | None:
        """What is wrong with a form that the page has no more: a colleague retired the newsletter, or brought it back, meanwhile."""
        typed = self.typed
        if typed is None or typed.name not in ("retire", "restore"):
            return None
        retired = any(row.retired_on for row in self.rows if row.newsletter_id == typed.newsletter_id)
        return typed.error if retired == (typed.name == "retire") else None

    def typed_in(self, newsletter_id: str, name: str) -> TypedNewsletterForm:
        """What was typed into this form; empty where another was sent."""
        typed = self.typed
        if typed is not None and (typed.newsletter_id, typed.name) == (newsletter_id, name):
            return typed
        return TypedNewsletterForm(newsletter_id=newsletter_id, name=name)
