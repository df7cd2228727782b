"""Faults drawn from the seed: in Stripe calls, webhooks, payouts, Stripe's clock and the mail server; and workers that die."""

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import httpx

from billing.dev.simulate.clock_skew import MOST_SECONDS, ClockSkew

EFFECTS = (
    "timeout_before",
    "timeout_after",
    "reset_before",
    "reset_after",
    "cut",
    "500_before",
    "500_after",
    "429",
    "slow",
)
SILENCE_SECONDS = 0.05
"""How long an unanswered call waits. The result is the same as after twenty seconds."""
EVENTS = ("payment_intent.*", "refund.*", "charge.dispute.*", "payout.*", "checkout.session.*")
"""Event types that the product recovers from when they are lost."""
PAYOUTS_RETURNED = 0.3
"""The chance, on a day with a manual payout, that the bank returns the one before."""
MONEY = ("/v1/payment_intents*", "/v1/refunds*")
STOPS = (
    "charge.intended",
    "charge.answered",
    "charge.settled",
    "event.settled",
    "mail.claimed",
    "mail.sent",
    "refund.intended",
    "refund.answered",
    "dispute.fetched",
    "evidence.intended",
    "evidence.answered",
    "page.answered",
    "setup.fetched",
    "revenue.recognised",
    "numbers.kept",
)
"""Stop points at which a worker can be made to die, between two commits or calls."""


@dataclass(frozen=True, slots=True)
class FaultLevel:
    """Probabilities of faults."""

    call: float = 0
    """Of each effect, for each call."""
    storm: float = 0
    """Of a day on which calls that move money fail often."""
    webhook: float = 0
    """Of each effect, for each event."""
    mail: float = 0
    """Of a deferral, for each mail."""
    greylist: float = 0
    """Of a day on which the mail server greylists."""
    crash: float = 0
    """Of a day on which a worker dies."""
    payout: float = 0
    """Of a day with a manual payout."""
    skew: float = 0
    """Of a day on which Stripe's clock is off."""


LEVELS = {
    "none": FaultLevel(),
    "some": FaultLevel(
        call=0.0001, storm=0.03, webhook=0.005, mail=0.002, greylist=0.05, crash=0.1, payout=0.05, skew=0.1
    ),
    "many": FaultLevel(
        call=0.0004, storm=0.12, webhook=0.02, mail=0.01, greylist=0.3, crash=0.5, payout=0.2, skew=0.4
    ),
}


class FaultPlan:
    """Sets the fault rules of the sandbox and of the mail server each day, and counts how often they struck."""

    def __init__(
        self, sandbox: httpx.Client, send_to_relay: Callable[[str], object], level: FaultLevel, seed: int
    ) -> None:
        self._sandbox, self._send_to_relay, self._level, self._seed = sandbox, send_to_relay, level, seed
        self.struck: Counter[str] = Counter()
        self.storms: list[date] = []
        self.skew = ClockSkew()
        self._paid_out: list[str] = []
        """The ids of manual payouts."""
        self._set(_background_faults(level, seed), _webhook_faults(level, seed))

    def random_for(self, what: str, on: date) -> random.Random:
        """A random generator for one kind of fault on one day."""
        return random.Random(f"{self._seed}/{what}/{on}")  # noqa: S311 - repeatable, not secret

    def morning(self, on: date, at: datetime) -> None:
        """Draw the day's faults; `at` is the present.

        In a storm, calls that move money fail often until the afternoon; on half of those days the balance is too low for refunds.
        Greylisting lasts up to three tries, which are 21 minutes by `rules/backoff`. A skew of Stripe's clock lasts until the next
        morning."""
        greylist = self.random_for("greylist", on)
        self._send_to_relay(
            f"greylist {greylist.randint(1, 3) if greylist.random() < self._level.greylist else 0}"
        )
        self._pay_out(on)
        self._set_clock(on, at)
        storm = self.random_for("storm", on)
        if storm.random() < self._level.storm:
            self.storms.append(on)
            self._count()
            self._set([*_storm(storm), *_background_faults(self._level, on.toordinal())])
            if self.random_for("balance", on).random() < 0.5:
                self._refunds("no_balance")

    def _pay_out(self, on: date) -> None:
        """Pay part of the balance out by hand, which Stripe doesn't itemise; sometimes a bank returns an earlier payout."""
        draw = self.random_for("payout", on)
        if draw.random() >= self._level.payout:
            return
        if self._paid_out and draw.random() < PAYOUTS_RETURNED:
            returned = {"do": "payout_fails", "payout": self._paid_out.pop()}
            self.struck["payout: sent back"] += self._banks(returned) is not None
        method, amount = draw.choice(("standard", "instant")), draw.randrange(1_000, 20_000)
        made = self._banks({"do": "pay_out", "method": method, "amount": amount})
        if made is not None:
            self._paid_out.append(made["id"])
            self.struck[f"payout: {method}, by hand"] += 1

    def _set_clock(self, on: date, at: datetime) -> None:
        draw = self.random_for("skew", on)
        off = draw.random() < self._level.skew
        self._skew(draw.randint(-MOST_SECONDS, MOST_SECONDS) if off else 0, at)
        self.struck["clock: off"] += off

    def _skew(self, seconds: int, at: datetime) -> None:
        self._sandbox.post("/_sandbox/skew", json={"seconds": seconds}).raise_for_status()
        self.skew.set(at, seconds)

    def _banks(self, act: dict[str, Any]) -> dict[str, Any] | None:
        """Perform a bank's act at the sandbox; None if it refuses, such as for a balance that is too low."""
        answer = self._sandbox.post("/_sandbox/banks", json=act)
        return dict(answer.json()) if answer.is_success else None

    def afternoon(self, on: date) -> None:
        """End the day's storm, if there is one."""
        if self.storms[-1:] == [on]:
            self._count()
            self._set(_background_faults(self._level, on.toordinal() + self._seed))
            self._refunds(None)

    def _refunds(self, behaviour: str | None) -> None:
        self._sandbox.post("/_sandbox/banks", json={"do": "refunds", "as": behaviour}).raise_for_status()

    def dies_at(self, on: date) -> str | None:
        """The stop point at which a worker dies from this day on; None on most days."""
        draw = self.random_for("crash", on)
        return draw.choice(STOPS) if draw.random() < self._level.crash else None

    def calm(self, at: datetime) -> None:
        """Stop all faults from `at` on."""
        self._count()
        for rule in self._sandbox.get("/_sandbox/trouble").json()["trouble"]:
            self.struck[f"webhook: {rule['effect']}"] += rule["hit"]
        self._sandbox.delete("/_sandbox/trouble").raise_for_status()
        self._skew(0, at)
        self._set([])

    def _count(self) -> None:
        for rule in self._sandbox.get("/_sandbox/faults").json()["faults"]:
            self.struck[f"call: {rule['effect']}"] += rule["hit"]

    def _set(self, faults: list[dict[str, Any]], webhook_faults: list[dict[str, Any]] | None = None) -> None:
        self._sandbox.delete("/_sandbox/faults").raise_for_status()
        self._sandbox.post("/_sandbox/faults", json=faults).raise_for_status()
        if webhook_faults is not None:
            self._sandbox.post("/_sandbox/trouble", json=webhook_faults).raise_for_status()


def _rule(effect: str, chance: float, seed: int, path: str) -> dict[str, Any]:
    more = {"retry_after": 1} if effect == "429" else {}
    seconds = {"seconds": SILENCE_SECONDS}
    return {"effect": effect, "probability": chance, "seed": seed, "path": path} | seconds | more


def _background_faults(level: FaultLevel, seed: int) -> list[dict[str, Any]]:
    """Rules by which a few of all calls fail, with any effect."""
    if not level.call:
        return []
    return [_rule(effect, level.call, seed * 100 + n, "/v1/*") for n, effect in enumerate(EFFECTS)]


def _storm(draw: random.Random) -> list[dict[str, Any]]:
    """Rules by which up to two in three calls that move money fail, with two effects."""
    effects, chance = draw.sample(EFFECTS[:7], 2), draw.uniform(0.1, 0.35)
    path = draw.choice((*MONEY, MONEY[0]))
    return [_rule(effect, chance, draw.randrange(10**6), path) for effect in effects]


def _webhook_faults(level: FaultLevel, seed: int) -> list[dict[str, Any]]:
    """Rules by which webhooks are lost, doubled, late by up to a day, or out of order."""
    if not level.webhook:
        return []
    rules: list[dict[str, Any]] = []
    for n, kind in enumerate(EVENTS):
        common = {"type": kind, "probability": level.webhook}
        rules += [
            {"effect": "drop", "seed": seed + n} | common,
            {"effect": "delay", "seconds": 3600, "seed": seed + 10 + n} | common,
            {"effect": "delay", "seconds": 80_000, "seed": seed + 20 + n} | common,
            {"effect": "reorder", "seed": seed + 30 + n} | common,
        ]
    rules.append(
        {"effect": "double", "type": "*", "probability": level.webhook, "copies": 3, "seed": seed + 40}
    )
    return rules
