"""Fault rules: they make the nth matching call fail, or random ones drawn from a seed."""

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
"""Every effect and its description. Tests run through this table, so a new effect is tested without more code."""
DEFAULT_SECONDS = 25.0


class BadRule(Exception):
    """The fault rule is invalid."""


@dataclass
class Draw:
    """Selects matching calls: from the `nth` on, `times` of them (None: all); with `probability` at random."""

    nth: int = 1
    times: int | None = 1
    probability: float | None = None
    seed: int = 0
    seen: int = 0
    hit: int = 0
    _random: random.Random = field(default_factory=random.Random, repr=False)

    def __post_init__(self) -> None:
        self._random.seed(self.seed)

    def strikes(self) -> bool:
        """Count a matching call; return whether it is selected."""
        self.seen += 1
        chosen = self.probability is None or self._random.random() < self.probability
        struck = chosen and self.seen >= self.nth and (self.times is None or self.hit < self.times)
        self.hit += struck
        return struck


@dataclass
class Rule(Draw):
    """A fault for calls of a method on a path; both are patterns such as `POST` and `/v1/refunds*`."""

    id: int = 0
    effect: str = ""
    method: str = "*"
    path: str = "*"
    seconds: float = DEFAULT_SECONDS
    retry_after: int | None = None

    def take(self, method: str, path: str) -> bool:
        """Count a call if it matches; return whether the fault strikes it."""
        return fnmatchcase(method, self.method) and fnmatchcase(path, self.path) and self.strikes()

    def shown(self) -> dict[str, Any]:
        """The rule as JSON."""
        return {
            column.name: getattr(self, column.name) for column in fields(self) if column.name != "_random"
        }


SETTABLE = {column.name for column in fields(Rule)} - {"id", "seen", "hit", "_random"}


@dataclass
class Faults:
    """The rules in force."""

    rules: list[Rule] = field(default_factory=list)
    cleared: asyncio.Event = field(default_factory=asyncio.Event)
    """Set by `clear`; ends the wait of calls that are being withheld."""
    _next: int = 1

    def add(self, rule_fields: dict[str, Any]) -> Rule:
        """Add a rule; raises BadRule."""
        given = dict(rule_fields)
        if given.get("effect") == "reset":
            when = given.pop("when", "before")
            given["effect"] = f"reset_{when}"
        if given.get("effect") not in EFFECTS:
            raise BadRule(f"effect must be one of {', '.join(EFFECTS)}, or reset with when=before|after")
        if unknown := set(given) - SETTABLE:
            raise BadRule(f"unknown field: {min(unknown)}")
        check(given)
        if given.get("probability") is not None:
            given.setdefault("times", None)
        rule = Rule(id=self._next, **given)
        self._next += 1
        self.rules.append(rule)
        return rule

    def take(self, method: str, path: str) -> Rule | None:
        """The first rule that strikes this call. Every matching rule counts it."""
        struck = [rule for rule in self.rules if rule.take(method, path)]
        return struck[0] if struck else None

    def clear(self) -> None:
        """Remove all rules; withheld calls go on."""
        self.rules.clear()
        self.cleared.set()
        self.cleared = asyncio.Event()


def check(given: Mapping[str, Any]) -> None:
    """Raise BadRule for an invalid value, in API and webhook rules alike."""
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
