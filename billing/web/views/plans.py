"""The staff page of what is sold: plans, their prices and trials."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import ClassVar

from billing.rules.money import Money
from billing.web.views.typed_form import PageOfForms


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanPriceRow:
    """A price of a plan. `for_everyone`: subscribers are being told of it, and pay it after their notice."""

    amount: Money
    first_day: date
    for_everyone: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanRow:
    """A plan. `then` is the name of the plan that follows a fixed term; `holders` counts live subscriptions."""

    plan_id: str
    name: str
    months: int
    period: str
    offered_to: str
    position: int
    trial_days: int
    then: str
    opens: tuple[str, ...]
    holders: int
    price: PlanPriceRow | None
    """What a reader who starts today pays."""
    coming: tuple[PlanPriceRow, ...] = ()
    past: tuple[PlanPriceRow, ...] = ()

    @property
    def seen(self) -> int:
        """How many prices it has, so that a price given meanwhile is noticed."""
        return len(self.coming) + len(self.past) + (self.price is not None)


@dataclass(frozen=True, slots=True)
class VatRateRow:
    """A rate of VAT. One `to_come` can be withdrawn."""

    percent: str
    from_on: date
    to_come: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceForEveryone:
    """A price to be confirmed. `pays_from` is the earliest first day of a period at the new price for a subscriber."""

    plan: PlanRow
    amount: Money
    first_day: date
    pays_from: date
    values: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffPlansPage(PageOfForms):
    """All plans in the order of the pages, and a form for each change."""

    template: ClassVar[str] = "staff/plans.html"
    rows: tuple[PlanRow, ...]
    vat: tuple[VatRateRow, ...]
    """The oldest first."""
    features: tuple[tuple[str, str], ...]
    """What plans may open besides reading, as (code, words)."""
    tomorrow: date
    confirm: PriceForEveryone | None = None

    @property
    def vat_today(self) -> VatRateRow | None:
        """The rate that holds today."""
        begun = [rate for rate in self.vat if not rate.to_come]
        return begun[-1] if begun else None
