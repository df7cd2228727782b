"""The pages that the law asks a shop to have."""

from dataclasses import dataclass
from datetime import date
from typing import ClassVar

from markupsafe import Markup

from billing.subscriptions.offer import Offer
from emails.languages import Text


@dataclass(frozen=True, slots=True, kw_only=True)
class LegalPage:
    """A version of a legal document. `earlier` are the other versions, as (number, first day), the newest first."""

    template: ClassVar[str] = "legal.html"
    kind: str
    label: Text
    number: int
    since: date
    text_hash: str
    words: Markup
    in_force: bool
    url: str = ""
    """The publisher's own page, where there is no text."""
    others: tuple[tuple[int, date], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AboutPage:
    """The publisher, and the facts that a reader is given before an order (ECT-1)."""

    template: ClassVar[str] = "about.html"
    offers: tuple[Offer, ...]
    cooling_off_days: int
