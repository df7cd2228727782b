"""Webhook fault rules: late, doubled, out of order, lost."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from fnmatch import fnmatchcase
from typing import Any

from billing.dev.sandbox.faults import BadRule, Draw, check

EFFECTS: Mapping[str, str] = {
    "delay": "comes `seconds` late, by the sandbox's clock",
    "double": "comes `copies` times",
    "reorder": "waits until `window` events wait, or until the sandbox is to settle; then the latest comes first",
    "drop": "never comes",
}
"""Every effect and its description. Tests run through this table, so a new effect is tested without more code."""


@dataclass
class WebhookFault(Draw):
    """A fault for events of a type; `type` is a pattern such as `refund.*`."""

    effect: str = ""
    type: str = "*"
    times: int | None = None
    seconds: int = 60
    copies: int = 2
    window: int = 10_000

    def shown(self) -> dict[str, Any]:
        """The rule as JSON."""
        return {
            column.name: getattr(self, column.name) for column in fields(self) if column.name != "_random"
        }


SETTABLE = {column.name for column in fields(WebhookFault)} - {"seen", "hit", "_random"}


@dataclass
class WebhookFaults:
    """The rules in force."""

    rules: list[WebhookFault] = field(default_factory=list)

    def add(self, given: dict[str, Any]) -> dict[str, Any]:
        """Add a rule; raises BadRule."""
        if given.get("effect") not in EFFECTS:
            raise BadRule(f"effect must be one of {', '.join(EFFECTS)}")
        if unknown := set(given) - SETTABLE:
            raise BadRule(f"unknown field: {min(unknown)}")
        check({"type": "*"} | given)
        for name in ("seconds", "copies", "window"):
            if name in given and (not isinstance(given[name], int) or given[name] < 1):
                raise BadRule(f"{name} must be a whole number from 1")
        rule = WebhookFault(**given)
        self.rules.append(rule)
        return rule.shown()

    def take(self, kind: str) -> WebhookFault | None:
        """The first rule that strikes an event of this type."""
        for rule in self.rules:
            if fnmatchcase(kind, rule.type) and rule.strikes():
                return rule
        return None

    def clear(self) -> None:
        """Remove all rules."""
        self.rules.clear()
