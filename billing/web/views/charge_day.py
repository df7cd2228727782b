"""What a reader sees who chooses the day of the month of the charges."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import ClassVar

from billing.rules.money import Money
from billing.web.views.frame import nothing_agreed
from emails.languages import Language, Text


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
