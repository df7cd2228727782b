"""A member's first page."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from billing.rules.money import Money
from billing.web.views.operators import PausedNote


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffHomeLine:
    """What waits, as a link to where it is handled; as `billing.staff.home.lines.HomeLine`."""

    what: str
    link: str
    note: str = ""
    age: str = ""
    before_at: str = ""
    at: datetime | None = None
    amount: Money | None = None
    after_amount: str = "incl. VAT"
    urgent: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffHomePart:
    """A part of the page: its lines, or the one line `nothing`."""

    name: str
    title: str
    nothing: str
    lines: tuple[StaffHomeLine, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffHomePage:
    """The parts of the member's role first. `may_find`: whether the search box stands above them."""

    template: ClassVar[str] = "staff/home.html"
    parts: tuple[StaffHomePart, ...]
    may_find: bool
    paused: PausedNote | None = None
    silent_since: datetime | None = None
    no_run_since: datetime | None = None
    """When a billing run last finished, where that is too long ago."""
