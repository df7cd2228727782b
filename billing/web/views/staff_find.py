"""The staff page of what a search found."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from billing.rules.money import Money


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundRow:
    reader_id: str
    email: str
    by: str
    external_id: str | None
    standing: str
    died: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargeRow:
    """A charge found by its amount or day."""

    reader_id: str
    email: str
    paid_at: datetime
    amount: Money
    number: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestFound:
    """A request whose id was typed."""

    link: str
    email: str
    received_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundRows:
    """A page of what fits. `more_readers` and `more_charges` are the addresses of the next pages."""

    readers: tuple[FoundRow, ...] = ()
    charges: tuple[ChargeRow, ...] = ()
    request: RequestFound | None = None
    more_readers: str | None = None
    more_charges: str | None = None
    invite: str | None = None
    """The address of the page that gives complimentary days to the typed address, where nobody has it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffFindPage:
    """`found` is None where nothing was searched."""

    template: ClassVar[str] = "staff/find.html"
    found: FoundRows | None = None
    query: str = ""
    error: str | None = None
