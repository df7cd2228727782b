"""Staff pages about API keys."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from billing.rules.money import Money
from billing.web.views.typed_form import PageOfForms


@dataclass(frozen=True, slots=True, kw_only=True)
class CeilingRow:
    """A daily ceiling: its form field, its name in words, its height, and how much of it was used; money in cents. `shown` stands in
    the field, money in rand."""

    field: str
    words: str
    most: int
    used: int
    shown: str

    @property
    def amounts(self) -> tuple[Money, Money] | None:
        """What was used and the ceiling, as money; None where it doesn't count cents."""
        return (Money(self.used), Money(self.most)) if self.field == "rand" else None


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
class StaffKeysPage(PageOfForms):
    """All keys, and the form for another. `scopes` are (scope, purpose); `chosen` are the ticked ones. `alone` is what one admin's
    keys may give back in a day without a second admin."""

    template: ClassVar[str] = "staff/keys.html"
    rows: tuple[KeyRow, ...]
    scopes: tuple[tuple[str, str], ...]
    ceilings: tuple[CeilingRow, ...]
    alone: Money
    chosen: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffKeyMadePage:
    """A secret, shown once. `previous_until`: the previous secret works until then. `waits`: the ceiling of money awaits another
    admin's approval."""

    template: ClassVar[str] = "staff/key_made.html"
    name: str
    secret: str
    previous_until: datetime | None = None
    waits: bool = False
