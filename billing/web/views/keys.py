"""The pages about API keys."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from billing.rules.money import Money


@dataclass(frozen=True, slots=True, kw_only=True)
class CeilingRow:
    """A ceiling of a day: its field, what it is about, its height, and what was used of it; money in cents."""

    field: str
    words: str
    most: int
    used: int

    @property
    def is_money(self) -> bool:
        """Whether it counts cents."""
        return self.field == "cents"

    @property
    def used_money(self) -> Money:
        """What was used, as money."""
        return Money(self.used)

    @property
    def most_money(self) -> Money:
        """The ceiling, as money."""
        return Money(self.most)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRow:
    """A key, never with its secret."""

    key_id: str
    name: str
    scopes: tuple[str, ...]
    made_at: datetime
    last_used_at: datetime | None
    expires_at: datetime | None
    revoked_at: datetime | None
    previous_until: datetime | None
    works: bool
    ceilings: tuple[CeilingRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffKeysPage:
    """All keys, and the form for another. `scopes` are (scope, what it is for); `chosen` were ticked; `alone` is what one admin may
    let keys give back in a day."""

    template: ClassVar[str] = "staff/keys.html"
    rows: tuple[KeyRow, ...]
    scopes: tuple[tuple[str, str], ...]
    ceilings: tuple[CeilingRow, ...]
    alone: Money
    name: str = ""
    chosen: tuple[str, ...] = ()
    days: str = "365"
    reason: str = ""
    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffKeyMadePage:
    """A secret, shown once. `previous_until`: to when the one before works besides. `waits`: its ceiling of money waits for another
    admin."""

    template: ClassVar[str] = "staff/key_made.html"
    name: str
    secret: str
    previous_until: datetime | None = None
    waits: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadRow:
    """How often somebody read something of readers in the hour that began then, and how many rows in all."""

    hour: datetime
    by: str
    what: str
    calls: int
    readers: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffReadsPage:
    """What was read, newest first; `who` was asked for."""

    template: ClassVar[str] = "staff/reads.html"
    rows: tuple[ReadRow, ...]
    who: str = ""
