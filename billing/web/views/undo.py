"""The page before a choice or a cancellation is undone."""

from dataclasses import dataclass
from datetime import date
from typing import ClassVar, Literal

from billing.rules.money import Money
from billing.web.views.frame import Card
from emails.languages import Text

UndoAct = Literal["resume", "plan kept", "pause undone", "pause ended", "day kept"]


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
