"""Staff's page of what is next for a reader."""

from dataclasses import dataclass
from datetime import date
from typing import ClassVar

from billing.rules.money import Money


@dataclass(frozen=True, slots=True, kw_only=True)
class NextColumn:
    """One way in which it may go on. `charges` are (day, amount); `act` is the page that does it, for members who may."""

    title: str
    words: tuple[str, ...]
    charges: tuple[tuple[date, Money], ...]
    total: Money
    refusal: str | None = None
    act: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffNextPage:
    """The next twelve months, side by side. `months` and `days` are those typed, of the pause and of the extension."""

    template: ClassVar[str] = "staff/next.html"
    reader_id: str
    email: str
    until: date
    columns: tuple[NextColumn, ...]
    months: int
    most_months: int
    days: str
    error: str | None = None
