"""What a reader may choose for a running subscription: another plan, a day of the month, a pause."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import ClassVar, Literal

from billing.rules.money import Money
from billing.rules.pause import PauseSpan
from billing.web.views.frame import Card, nothing_agreed
from emails.languages import Language, Text

UndoAct = Literal["resume", "plan kept", "pause undone", "pause ended", "day kept"]


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


@dataclass(frozen=True, slots=True, kw_only=True)
class DayOption:
    """A day of the month in words, the next charge with it, and the free days until then."""

    day: int
    words: Text
    on: date
    free_days: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DaysPage:
    """The days of the month that can be chosen for the charges. What is paid ends with `last_day`."""

    template: ClassVar[str] = "charge_days.html"
    email: str
    last_day: date
    now: Text
    options: tuple[DayOption, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DayPage:
    """The review before a day of the month is chosen. `free_from` is the day of the next charge without it; the choice can be undone
    through `last_day`, the day before. `consent_text`, `agreed` and `changed` as on `PlanPage`."""

    template: ClassVar[str] = "charge_day.html"
    email: str
    option: DayOption
    amount: Money
    vat: Money
    last_day: date
    free_from: date
    again_on: date
    consent_text: Text
    agreed: Callable[[Language], str] = nothing_agreed
    changed: tuple[Text, ...] = ()
    error: Text | None = None


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
    changed: tuple[Text, ...] = ()
