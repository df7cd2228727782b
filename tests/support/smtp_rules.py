"""Rules of the fake SMTP server: at a step it gives another answer, stays silent, drops the connection, or calls a function first."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from billing.dev.fake_smtp import Step

Action = Literal["answer", "silence", "drop", "meanwhile"]


@dataclass
class Rule:
    """Applies from the `nth` matching event on (counted from 1), at most `times` times."""

    action: Action
    at: Step
    line: str = field(default="", kw_only=True)
    do: Callable[[], object] = field(default=lambda: None, kw_only=True)
    to: str | None = field(default=None, kw_only=True)
    nth: int = field(default=1, kw_only=True)
    times: int | None = field(default=None, kw_only=True)
    seen: int = field(default=0, init=False)
    used: int = field(default=0, init=False)

    def applies(self, action: Action, at: Step, recipient: str | None) -> bool:
        """Whether the rule applies to this event. Each call counts as one event."""
        if (action, at) != (self.action, self.at):
            return False
        if self.to is not None and (recipient or "").casefold() != self.to.casefold():
            return False
        self.seen += 1
        if self.seen < self.nth or (self.times is not None and self.used >= self.times):
            return False
        self.used += 1
        return True


class Rules:
    """The rules, oldest first. Tests add them while the server's thread reads them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rules: list[Rule] = []

    def add(self, rule: Rule) -> None:
        """Add a rule."""
        with self._lock:
            self._rules.append(rule)

    def clear(self) -> None:
        """Remove all rules."""
        with self._lock:
            self._rules.clear()

    def find(self, action: Action, at: Step, recipient: str | None) -> Rule | None:
        """The first rule that applies to this event."""
        with self._lock:
            return next((rule for rule in self._rules if rule.applies(action, at, recipient)), None)
