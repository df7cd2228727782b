"""What a reader may choose for a running subscription: another plan, a pause."""

from dataclasses import dataclass
from datetime import date
from typing import ClassVar, Literal

from billing.rules.money import Money


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanOption:
    """A plan that may begin on `on`, with a charge of `amount` for each `every`."""

    plan_id: str
    every: str
    amount: Money
    on: date
    is_fixed_term: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """On the account page: what is ahead, in a sentence, and what may be chosen or taken back."""

    ahead: str | None
    can_undo_plan: bool
    plans: tuple[PlanOption, ...]
    can_pause: bool
    pause: Literal["none", "ahead", "running"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanPage:
    """The last look before another plan is chosen; `consent_text` is what is recorded, word for word (CARD-1, CPA-1)."""

    template: ClassVar[str] = "plan.html"
    email: str
    option: PlanOption
    vat: Money
    consent_text: str
    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PauseOption:
    months: int
    resumes_on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class PausePage:
    """`last_day` is the last day that is paid for; the charge comes on the day on which the chosen pause ends."""

    template: ClassVar[str] = "pause.html"
    email: str
    last_day: date
    amount: Money
    options: tuple[PauseOption, ...]
