"""Faults on demand: rules that make the nth matching call go wrong, or some of them, drawn from a seed."""

import asyncio
import random
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from fnmatch import fnmatchcase
from typing import Any

EFFECTS: Mapping[str, str] = {
    "timeout_before": "nothing happens, and no answer comes: silence for `seconds`, or until faults are cleared, then the line is cut",
    "timeout_after": "it happens, but no answer comes: silence for `seconds`, or until faults are cleared, then the line is cut",
    "cut": "it happens, and the answer breaks off in its middle",
    "reset_before": "nothing happens: the connection is torn down",
    "reset_after": "it happens, then the connection is torn down",
    "429": "nothing happens: too many requests; with `retry_after` it says how many seconds to wait",
    "500_before": "nothing happens: an error of Stripe's, which its key repeats for a day",
    "500_halfway": "a charge is written down and no bank is asked, whatever else happens; an error of Stripe's is the answer, which its key repeats for a day",
    "500_after": "it happens, but an error of Stripe's is the answer, which its key repeats for a day",
    "slow": "it happens after `seconds`, or once faults are cleared",
}
"""Every kind of fault and what it does. Tests go through this table, so a new kind is tried by itself."""
DEFAULT_SECONDS = 25.0


class BadRule(Exception):
    """The fault rule does not make sense."""


@dataclass
class Draw:
    """Which of the matching calls are struck: from the `nth` on, `times` of them (None: all); with `probability`, some."""

    nth: int = 1
    times: int | None = 1
    probability: float | None = None
    seed: int = 0
    seen: int = 0
    hit: int = 0
    _dice: random.Random = field(default_factory=random.Random, repr=False)

    def __post_init__(self) -> None:
        self._dice.seed(self.seed)

    def strikes(self) -> bool:
        """Count a matching call; whether this one is struck."""
        self.seen += 1
        chosen = self.probability is None or self._dice.random() < self.probability
        struck = chosen and self.seen >= self.nth and (self.times is None or self.hit < self.times)
        self.hit += struck
        return struck


@dataclass
class Rule(Draw):
    """What happens to calls of a method on a path; both are patterns such as `POST` and `/v1/refunds*`."""

    id: int = 0
    effect: str = ""
    method: str = "*"
    path: str = "*"
    seconds: float = DEFAULT_SECONDS
    retry_after: int | None = None

    def take(self, method: str, path: str) -> bool:
        """Count a call; whether this one is hit."""
        return fnmatchcase(method, self.method) and fnmatchcase(path, self.path) and self.strikes()

    def shown(self) -> dict[str, Any]:
        """As JSON."""
        return {each.name: getattr(self, each.name) for each in fields(self) if each.name != "_dice"}


WISHES = {each.name for each in fields(Rule)} - {"id", "seen", "hit", "_dice"}


@dataclass
class Faults:
    """The rules in force."""

    rules: list[Rule] = field(default_factory=list)
    cleared: asyncio.Event = field(default_factory=asyncio.Event)
    """Ends the waits of the calls that are withheld now."""
    _next: int = 1

    def add(self, wanted: dict[str, Any]) -> Rule:
        """Put a rule in force; raises BadRule."""
        given = dict(wanted)
        if given.get("effect") == "reset":
            when = given.pop("when", "before")
            given["effect"] = f"reset_{when}"
        if given.get("effect") not in EFFECTS:
            raise BadRule(f"effect must be one of {', '.join(EFFECTS)}, or reset with when=before|after")
        if unknown := set(given) - WISHES:
            raise BadRule(f"unknown field: {min(unknown)}")
        check(given)
        if given.get("probability") is not None:
            given.setdefault("times", None)
        rule = Rule(id=self._next, **given)
        self._next += 1
        self.rules.append(rule)
        return rule

    def take(self, method: str, path: str) -> Rule | None:
        """The rule that strikes this call; every matching rule counts it, the first to strike wins."""
        struck = [rule for rule in self.rules if rule.take(method, path)]
        return struck[0] if struck else None

    def clear(self) -> None:
        """No more faults; calls that are withheld go on."""
        self.rules.clear()
        self.cleared.set()
        self.cleared = asyncio.Event()


def check(given: Mapping[str, Any]) -> None:
    """Raises BadRule for a value that makes no sense, whatever the rule is about."""
    for name in ("method", "path", "type"):
        if name in given and not isinstance(given[name], str):
            raise BadRule(f"{name} must be a pattern such as POST, /v1/payment_intents* or refund.*")
    for name in ("nth", "times", "retry_after"):
        value = given.get(name, 1)
        if not (name != "nth" and value is None) and (not isinstance(value, int) or value < 1):
            raise BadRule(f"{name} must be a whole number from 1")
    chance = given.get("probability")
    if chance is not None and (not isinstance(chance, int | float) or not 0 < chance <= 1):
        raise BadRule("probability must be a number above 0, up to 1")
    if not isinstance(given.get("seed", 0), int):
        raise BadRule("seed must be a whole number")
    seconds = given.get("seconds", 1)
    if not isinstance(seconds, int | float) or not 0 <= seconds <= (86_400 * 30 if "type" in given else 600):
        raise BadRule("seconds must be a number from 0 to 600")
