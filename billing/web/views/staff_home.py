"""A member's first page."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from billing.staff.home.lines import HomePart
from billing.web.views.operators import PausedNote


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffHomePage:
    """The parts of the member's role first. `may_find`: whether the search box stands above them."""

    template: ClassVar[str] = "staff/home.html"
    parts: tuple[HomePart, ...]
    may_find: bool
    paused: PausedNote | None = None
    silent_since: datetime | None = None
    no_run_since: datetime | None = None
    """When a billing run last finished, where that is too long ago."""
    lacks_codes: bool = False
    """Whether the member has never made recovery codes for this authenticator."""
