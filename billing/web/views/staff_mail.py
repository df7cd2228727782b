"""A mail as staff read it, and the price notices that reached nobody."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import ClassVar

from billing.rules.money import Money


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffMailPage:
    template: ClassVar[str] = "staff/mail.html"
    reader_id: str
    email: str
    recipient: str
    subject: str
    text: str
    state: str
    created_at: datetime
    accepted_at: datetime | None
    answer: str | None
    tries: int


@dataclass(frozen=True, slots=True, kw_only=True)
class UnreachedReaderRow:
    """A reader whom the notice of another price did not reach. `can_be_seen`: the old price is kept, so it can be marked as seen."""

    notice_id: str
    reader_id: str
    email: str
    keeps: Money
    instead_of: Money
    starts_on: date
    answer: str
    can_be_seen: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffPricesPage:
    template: ClassVar[str] = "staff/prices.html"
    rows: tuple[UnreachedReaderRow, ...]
