"""Staff pages about operations: the acquirers' webhooks, and that charging is paused."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar


@dataclass(frozen=True, slots=True, kw_only=True)
class PausedNote:
    """Charging is paused because the acquirer doesn't answer; `waiting` is the number of charges that wait."""

    since: datetime
    probe_at: datetime
    waiting: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EventRow:
    event_id: str
    event_ref: str
    kind: str
    object_ref: str
    received_at: datetime
    became: str
    broken: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffEventsPage:
    """`broken` events are set aside; `latest` came last."""

    template: ClassVar[str] = "staff/events.html"
    broken: tuple[EventRow, ...]
    latest: tuple[EventRow, ...]
