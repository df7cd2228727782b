"""What a reader may choose for a running subscription: another plan, a pause."""

from dataclasses import dataclass
from datetime import date
from typing import ClassVar, Literal

from billing.rules.money import Money
from billing.rules.pause import PauseSpan
from billing.web.views.frame import Card

UndoAct = Literal["resume", "plan kept", "pause undone", "pause ended"]


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
    may be chosen or undone."""

    ahead: str | None
    plan_stays: str | None = None
    can_undo_plan: bool
    plans: tuple[PlanOption, ...]
    can_pause: bool
    pause: Literal["none", "ahead", "running"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanPage:
    """The review before another plan is chosen. `consent_text` is recorded word for word (CARD-1, CPA-1). `agreed` and `changed` as
    on `ReviewPage`."""

    template: ClassVar[str] = "plan.html"
    email: str
    option: PlanOption
    vat: Money
    consent_text: str
    agreed: str = ""
    changed: tuple[str, ...] = ()
    error: str | None = None


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
    changed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class UndoPage:
    """Before something is undone: the next charge then, of `amount` each `every`, its day, and its card; all None where no charge is
    planned. `agreed` and `changed` as on `ReviewPage`."""

    template: ClassVar[str] = "undo.html"
    email: str
    act: UndoAct
    amount: Money | None
    every: str
    on: date | None
    card: Card | None = None
    agreed: str = ""
    changed: tuple[str, ...] = ()
