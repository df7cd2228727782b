"""Trouble for webhooks on demand: late, doubled, out of order, lost."""

from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from billing.sandbox.faults import BadRule

EFFECTS = ("delay", "double", "reorder", "drop")
_DEFAULTS: dict[str, Any] = {"type": "*", "times": None, "seconds": 60, "copies": 2, "window": 10_000}


@dataclass
class Troubles:
    """Rules by event type. `delay` waits `seconds` of the sandbox's clock, `double` sends `copies`,
    `reorder` holds until `window` are held or `settle` is asked for, then sends the latest first."""

    rules: list[dict[str, Any]] = field(default_factory=list)

    def add(self, wanted: dict[str, Any]) -> dict[str, Any]:
        """Put a rule in force; raises BadRule."""
        if wanted.get("effect") not in EFFECTS:
            raise BadRule(f"effect must be one of {', '.join(EFFECTS)}")
        if unknown := set(wanted) - set(_DEFAULTS) - {"effect"}:
            raise BadRule(f"unknown field: {min(unknown)}")
        rule = _DEFAULTS | wanted | {"hit": 0}
        for name in ("times", "seconds", "copies", "window"):
            if rule[name] is not None and (not isinstance(rule[name], int) or rule[name] < 1):
                raise BadRule(f"{name} must be a whole number from 1")
        self.rules.append(rule)
        return rule

    def take(self, kind: str) -> dict[str, Any] | None:
        """The first rule that covers an event of this type and has hits left."""
        for rule in self.rules:
            if fnmatchcase(kind, rule["type"]) and (rule["times"] is None or rule["hit"] < rule["times"]):
                rule["hit"] += 1
                return rule
        return None

    def clear(self) -> None:
        """No more trouble."""
        self.rules.clear()
