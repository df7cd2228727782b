"""Faults on demand: rules that make the nth matching call go wrong."""

from dataclasses import asdict, dataclass, field
from fnmatch import fnmatchcase
from typing import Any

EFFECTS = (
    "timeout_before", "timeout_after", "cut", "reset_before", "reset_after", "429", "500_before", "500_after", "slow",
)  # fmt: skip
DEFAULT_SECONDS = 25.0


class BadRule(Exception):
    """The fault rule does not make sense."""


@dataclass
class Rule:
    """From the `nth` matching call on, `times` calls (None: all) meet the effect."""

    id: int
    effect: str
    method: str = "*"
    path: str = "*"
    nth: int = 1
    times: int | None = 1
    seconds: float = DEFAULT_SECONDS
    seen: int = 0
    hit: int = 0

    def take(self, method: str, path: str) -> bool:
        """Count a call; whether this one is hit."""
        if not (fnmatchcase(method, self.method) and fnmatchcase(path, self.path)):
            return False
        self.seen += 1
        struck = self.seen >= self.nth and (self.times is None or self.hit < self.times)
        self.hit += struck
        return struck

    def shown(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)


@dataclass
class Faults:
    """The rules in force."""

    rules: list[Rule] = field(default_factory=list)
    _next: int = 1

    def add(self, wanted: dict[str, Any]) -> Rule:
        """Put a rule in force; raises BadRule."""
        given = dict(wanted)
        if given.get("effect") == "reset":
            when = given.pop("when", "before")
            given["effect"] = f"reset_{when}"
        if given.get("effect") not in EFFECTS:
            raise BadRule(f"effect must be one of {', '.join(EFFECTS)}, or reset with when=before|after")
        if unknown := set(given) - {"effect", "method", "path", "nth", "times", "seconds"}:
            raise BadRule(f"unknown field: {min(unknown)}")
        _check(given)
        rule = Rule(id=self._next, **given)
        self._next += 1
        self.rules.append(rule)
        return rule

    def take(self, method: str, path: str) -> Rule | None:
        """The rule that strikes this call; every matching rule counts it, the first to strike wins."""
        struck = [rule for rule in self.rules if rule.take(method, path)]
        return struck[0] if struck else None

    def clear(self) -> None:
        """No more faults."""
        self.rules.clear()


def _check(given: dict[str, Any]) -> None:
    for name in ("method", "path"):
        if name in given and not isinstance(given[name], str):
            raise BadRule(f"{name} must be a pattern such as POST or /v1/payment_intents*")
    for name in ("nth", "times"):
        value = given.get(name, 1)
        if not (name == "times" and value is None) and (not isinstance(value, int) or value < 1):
            raise BadRule(f"{name} must be a whole number from 1")
    seconds = given.get("seconds", 1)
    if not isinstance(seconds, int | float) or not 0 <= seconds <= 600:
        raise BadRule("seconds must be a number from 0 to 600")
