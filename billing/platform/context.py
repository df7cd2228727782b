"""The context of a transaction. Entry points make one, and domain functions take it as their first argument."""

from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Self
from zoneinfo import ZoneInfo

from sqlmodel import Session

from billing.platform.actors import Actor
from billing.platform.site import Site


@dataclass(frozen=True, slots=True)
class TransactionContext:
    """One transaction of one actor at one instant. `at` is read once, because two readings of the clock may straddle midnight."""

    session: Session
    site: Site
    at: datetime
    actor: Actor
    language: str | None = None
    """The code of the language in which a reader's browser shows our pages; None where none takes part."""

    @property
    def today(self) -> date:
        """The civil day in the publisher's zone."""
        return self.site.today(self.at)

    @property
    def zone(self) -> ZoneInfo:
        """The publisher's zone."""
        return self.site.zone

    def acting_as(self, actor: Actor) -> Self:
        """The same transaction with another actor."""
        return replace(self, actor=actor)

    def speaking(self, language: str | None) -> Self:
        """The same transaction, on behalf of a browser with pages in another language."""
        return replace(self, language=language)

    def moved_to(self, at: datetime) -> Self:
        """The same transaction, at another instant."""
        return replace(self, at=at)
