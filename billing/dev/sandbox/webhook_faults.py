"""Trouble for webhooks on demand: late, doubled, out of order, lost."""

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
"""Every kind of trouble and what it does. Tests go through this table, so a new kind is tried by itself."""


@dataclass
class WebhookFault(Draw):
    """What happens to events of a type, a pattern such as `refund.*`."""

    effect: str = ""
    type: str = "*"
    times: int | None = None
    seconds: int = 60
    copies: int = 2
    window: int = 10_000

    def shown(self) -> dict[str, Any]:
        """As JSON."""
        return {each.name: getattr(self, each.name) for each in fields(self) if each.name != "_dice"}


WISHES = {each.name for each in fields(WebhookFault)} - {"seen", "hit", "_dice"}


@dataclass
class WebhookFaults:
    """The rules in force."""

    rules: list[WebhookFault] = field(default_factory=list)

    def add(self, wanted: dict[str, Any]) -> dict[str, Any]:
        """Put a rule in force; raises BadRule."""
        if wanted.get("effect") not in EFFECTS:
            raise BadRule(f"effect must be one of {', '.join(EFFECTS)}")
        if unknown := set(wanted) - WISHES:
            raise BadRule(f"unknown field: {min(unknown)}")
        check({"type": "*"} | wanted)
        for name in ("seconds", "copies", "window"):
            if name in wanted and (not isinstance(wanted[name], int) or wanted[name] < 1):
                raise BadRule(f"{name} must be a whole number from 1")
        rule = WebhookFault(**wanted)
        self.rules.append(rule)
        return rule.shown()

    def take(self, kind: str) -> WebhookFault | None:
        """The first rule that covers an event of this type and strikes it."""
        for rule in self.rules:
            if fnmatchcase(kind, rule.type) and rule.strikes():
                return rule
        return None

    def clear(self) -> None:
        """No more trouble."""
        self.rules.clear()
