"""An act that waits, as JSON and back: those that give money back."""

from typing import Any

from pydantic import TypeAdapter

from billing.staff.acts.cancelling import Cancel
from billing.staff.acts.money import GiveBack
from billing.staff.acts.shape import Act
from billing.staff.acts.withdrawing import Withdraw

_KINDS: dict[str, TypeAdapter[Any]] = {
    kind.__name__: TypeAdapter(kind) for kind in (Cancel, GiveBack, Withdraw)
}


def store(act: Act) -> dict[str, Any]:
    """Its name and its fields. Raises KeyError for an act that gives no money back."""
    name = type(act).__name__
    return {"name": name, "fields": _KINDS[name].dump_python(act, mode="json")}


def load(stored: dict[str, Any]) -> Act:
    """The act that was stored."""
    act: Act = _KINDS[stored["name"]].validate_python(stored["fields"])
    return act
