"""What a transaction works with. Its entry point makes one, and each function below takes it first."""

from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Self
from zoneinfo import ZoneInfo

from sqlmodel import Session

from billing.platform.actors import Actor
from billing.platform.site import Site


@dataclass(frozen=True, slots=True)
class TransactionContext:
    """One transaction of one actor at one instant. `at` is the entry point's: two readings of the clock may straddle midnight."""

    session: Session
    site: Site
    at: datetime
    actor: Actor

    @property
    def today(self) -> date:
        """The civil day in the publisher's zone."""
        return self.site.today(self.at)

    @property
    def zone(self) -> ZoneInfo:
        """The publisher's zone."""
        return self.site.zone

    def acting_as(self, actor: Actor) -> Self:
        """The same transaction, for what another actor does in it."""
        return replace(self, actor=actor)

    def moved_to(self, at: datetime) -> Self:
        """The same transaction, at another instant."""
        return replace(self, at=at)
