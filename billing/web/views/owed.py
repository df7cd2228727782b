"""What is owed to readers, for finance."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import ClassVar

from billing.rules.money import Money
from billing.web.views.books import TypedTransfer, WaitingRefunds


@dataclass(frozen=True, slots=True, kw_only=True)
class Debt:
    """Money that we owe. `of` is a refund's id, or the acquirer's reference of a charge; `field` names it in the form. `do`: what to
    do about it, in words."""

    of: str
    field: str
    reader_id: str | None
    whose: str
    amount: Money
    since: datetime
    days: int
    why: str
    do: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingErasure:
    """A closed account that can't be erased yet. `waits_for` is in words."""

    reader_id: str
    email: str
    since: datetime
    days: int
    due_at: datetime
    waits_for: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffOwedPage:
    """Debts and erasures that wait, the oldest first. `total`: of the debts. `waiting`: refunds for which our balance is too low."""

    template: ClassVar[str] = "staff/owed.html"
    debts: tuple[Debt, ...]
    total: Money
    erasures: tuple[WaitingErasure, ...]
    waiting: WaitingRefunds | None
    today: date
    typed: TypedTransfer | None = None
