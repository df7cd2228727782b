"""The staff page of newsletters themselves: what readers can sign up for."""

from dataclasses import dataclass
from datetime import date
from typing import ClassVar

from billing.web.views.typed_form import PageOfForms


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
class NewsletterListsPage(PageOfForms):
    """All newsletters in the order of the readers' page, and a form for each change."""

    template: ClassVar[str] = "staff/newsletter_lists.html"
    rows: tuple[PublishedRow, ...]

    @property
    def stray_error(self) -> str | None:
        """What is wrong with a form that the page has no more: a colleague retired the newsletter, or brought it back, meanwhile."""
        typed = self.typed
        if typed is None or typed.name not in ("retire", "restore"):
            return None
        retired = any(row.retired_on for row in self.rows if row.newsletter_id == typed.of)
        return typed.error if retired == (typed.name == "retire") else None
