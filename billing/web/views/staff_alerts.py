"""A member's choice of alerts."""

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertRow:
    """A kind of alert, and whether the member gets it."""

    kind: str
    words: str
    chosen: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffAlertsPage:
    """The kinds that the member's role may get, by mail to `email`."""

    template: ClassVar[str] = "staff/alerts.html"
    choices: tuple[AlertRow, ...]
    email: str
