"""The staff page that pays an outage back."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from billing.rules.money import Money


@dataclass(frozen=True, slots=True, kw_only=True)
class OutageFound:
    """What is known of a time: readers whose subscription or trial ran, charges and their sum. `more_…`: there are more, not
    counted."""

    since: datetime
    until: datetime
    subscribed: int
    charges: int
    charged: Money
    more_subscribed: bool
    more_charges: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffOutagesPage:
    """Two moments, what is known between them, and what to give. `kinds`: what the member may give."""

    template: ClassVar[str] = "staff/outages.html"
    since: str = ""
    until: str = ""
    found: OutageFound | None = None
    kinds: tuple[tuple[str, str], ...] = ()
    by: str = "entitled"
    kind: str = "days"
    days: str = ""
    amount: str = ""
    error: str | None = None
