"""How many disputes were won and lost, for finance."""

from dataclasses import dataclass
from typing import ClassVar

from billing.rules.money import Money


@dataclass(frozen=True, slots=True, kw_only=True)
class DisputeCountRow:
    """A month or a card scheme. Shares are in words, None where nothing is counted; `rate` is of the month's `charges`."""

    name: str
    opened: int
    inquiries: int
    won: int
    lost: int
    undecided: int
    share_won: str | None
    amount_lost: Money
    charges: int | None = None
    rate: str | None = None
    at_risk: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffDisputeCountsPage:
    """The months, the present one first, and the schemes over all of them. `alarm` and `excessive` are thresholds in words."""

    template: ClassVar[str] = "staff/dispute_counts.html"
    months: tuple[DisputeCountRow, ...]
    schemes: tuple[DisputeCountRow, ...]
    alarm: str
    excessive: str
