"""What a reader may choose for a running subscription: another plan, a pause; for the charge day see `charge_day`."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import ClassVar, Literal

from billing.rules.money import Money
from billing.rules.pause import PauseSpan
from billing.web.views.frame import nothing_agreed
from emails.languages import Language, Text


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanOption:
    """A plan that may begin on `on`, with a charge of `amount` for each `every`. It can be undone until `undo_until`."""

    plan_id: str
    every: str
    amount: Money
    on: date
    undo_until: date
    is_fixed_term: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """On the account page: `ahead` says in a sentence what comes next, `plan_stays` why no plan can be chosen now; the rest is what
    may be chosen or undone. `charge_day` is the day of the month in words, where it can be chosen or a choice undone."""

    ahead: Text | None
    plan_stays: Text | None = None
    can_undo_plan: bool
    plans: tuple[PlanOption, ...]
    charge_day: Text | None = None
    can_choose_day: bool = False
    can_undo_day: bool = False
    can_pause: bool
    pause: Literal["none", "ahead", "running"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanPage:
    """The review before another plan is chosen. `consent_text` is recorded word for word (CARD-1, CPA-1), with the versions of the
    legal documents that are shown. `agreed` and `changed` as on `ReviewPage`."""

    template: ClassVar[str] = "plan.html"
    email: str
    option: PlanOption
    vat: Money
    consent_text: Text
    agreed: Callable[[Language], str] = nothing_agreed
    changed: tuple[Text, ...] = ()
    error: Text | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PausePage:
    """`last_day` is the last day that is paid for. The charge, `amount`, comes on the day on which the pause ends. `agreed` and
    `changed` as on `ReviewPage`."""

    template: ClassVar[str] = "pause.html"
    email: str
    last_day: date
    amount: Money
    options: tuple[PauseSpan, ...]
    agreed: str = ""
    changed: tuple[Text, ...] = ()
