"""An act that waits for approval, as JSON and back: those that give money back."""

from typing import Any

from pydantic import TypeAdapter

from billing.staff.acts.cancelling import CancelAct
from billing.staff.acts.deceased import DeathAct
from billing.staff.acts.money import GiveBackAct
from billing.staff.acts.shape import Act
from billing.staff.acts.withdrawing import WithdrawAct

_KINDS: dict[str, TypeAdapter[Any]] = {
    kind.__name__: TypeAdapter(kind) for kind in (CancelAct, DeathAct, GiveBackAct, WithdrawAct)
}


def store(act: Act) -> dict[str, Any]:
    """Its name and its fields. Raises KeyError for an act that gives no money back."""
    name = type(act).__name__
    return {"name": name, "fields": _KINDS[name].dump_python(act, mode="json")}


def load(stored: dict[str, Any]) -> Act:
    """The act that was stored."""
    act: Act = _KINDS[stored["name"]].validate_python(stored["fields"])
    return act
