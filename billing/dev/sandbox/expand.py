"""`expand[]`: replace ids by their objects."""

from typing import Any

from billing.dev.sandbox import balance
from billing.dev.sandbox.errors import invalid
from billing.dev.sandbox.store import Row
from billing.dev.sandbox.world import SandboxWorld

EXPANDABLE: dict[str, dict[str, str]] = {
    "payment_intent": {"customer": "customer", "payment_method": "payment_method", "latest_charge": "charge"},
    "charge": {
        "customer": "customer",
        "payment_intent": "payment_intent",
        "balance_transaction": "balance_transaction",
        "failure_balance_transaction": "balance_transaction",
    },
    "refund": {
        "charge": "charge",
        "payment_intent": "payment_intent",
        "balance_transaction": "balance_transaction",
        "failure_balance_transaction": "balance_transaction",
    },
    "setup_intent": {
        "customer": "customer",
        "payment_method": "payment_method",
        "latest_attempt": "setup_attempt",
    },
    "setup_attempt": {
        "customer": "customer",
        "payment_method": "payment_method",
        "setup_intent": "setup_intent",
    },
    "checkout.session": {
        "customer": "customer",
        "setup_intent": "setup_intent",
        "payment_intent": "payment_intent",
    },
    "payment_method": {"customer": "customer"},
    "customer": {"invoice_settings.default_payment_method": "payment_method"},
    "balance_transaction": {"source": "charge"},
    "dispute": {"charge": "charge", "payment_intent": "payment_intent"},
    "payout": {"balance_transaction": "balance_transaction"},
    "radar.early_fraud_warning": {"charge": "charge", "payment_intent": "payment_intent"},
}
DEEPEST = 4


def check(paths: list[str], kind: str, many: bool) -> None:
    """Raise StripeError for a path that can't be expanded; called before the operation."""
    for number, path in enumerate(paths):
        param = f"expand[{number}]"
        if path.count(".") >= DEEPEST + (1 if many else 0):
            raise invalid(f"You cannot expand more than {DEEPEST} levels of a property", param=param)
        inner = path
        if many:
            head, _, inner = path.partition(".")
            if head != "data" or not inner:
                raise invalid(f"This property cannot be expanded ({path}).", param=param)
        _check_one(inner, kind, path, param)


def _check_one(inner: str, kind: str, path: str, param: str) -> None:
    while inner:
        field, rest = _split(inner, kind)
        if field is None:
            raise invalid(f"This property cannot be expanded ({path}).", param=param)
        kind, inner = EXPANDABLE[kind][field], rest


def _split(path: str, kind: str) -> tuple[str | None, str]:
    for field in EXPANDABLE.get(kind, {}):
        if path == field or path.startswith(field + "."):
            return field, path[len(field) + 1 :]
    return None, path


def expanded(world: SandboxWorld, row: Row, paths: list[str], many: bool) -> Row:
    """A copy of the answer with the named properties expanded."""
    if not paths:
        return row
    if many:
        inner = [path.partition(".")[2] for path in paths]
        return row | {"data": [expanded(world, entry, inner, False) for entry in row["data"]]}
    row = dict(row)
    for path in paths:
        _fill(world, row, path)
    return row


def _fill(world: SandboxWorld, row: Row, path: str) -> None:
    field, rest = _split(path, row["object"])
    if field is None:
        return
    *outer, last = field.split(".")
    place: dict[str, Any] = row
    for part in outer:
        place[part] = dict(place[part])
        place = place[part]
    found = place.get(last)
    if isinstance(found, str):
        found = _look_up(world, EXPANDABLE[row["object"]][field], found)
    if isinstance(found, dict):
        place[last] = dict(found)
        if rest:
            _fill(world, place[last], rest)


def _look_up(world: SandboxWorld, kind: str, identifier: str) -> Row | None:
    if kind == "charge" and not identifier.startswith("ch_"):
        kind = {"re": "refund", "du": "dispute", "po": "payout"}.get(identifier.partition("_")[0], kind)
    found = world.store.get(kind, identifier)
    return balance.shown(world, found) if found and kind == "balance_transaction" else found
