"""What goes wrong, drawn from the seed: calls of the Stripe sandbox, its webhooks, its payouts, the mail server, and workers that die."""

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
"""How long a call that gets no answer waits for it: what comes of it is the same after twenty seconds."""
NEWS = ("payment_intent.*", "refund.*", "charge.dispute.*", "payout.*", "checkout.session.*")
"""Events that the service finds out about by itself when they are lost."""
PAYOUTS_RETURNED = 0.3
"""How often, on a day with a payout by hand, the one before comes back."""
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
)
"""Where a worker can be made to die, between two commits or calls."""


@dataclass(frozen=True, slots=True)
class FaultLevel:
    """How much goes wrong: chances for each effect on a call, of a day with a storm, for a webhook, for a mail, of a day on
    which the mail server greylists, of a worker that dies on a day, of a day on which somebody pays money out by hand, and of one
    on which Stripe's clock is off."""

    call: float = 0
    storm: float = 0
    news: float = 0
    mail: float = 0
    greylist: float = 0
    crash: float = 0
    payout: float = 0
    skew: float = 0


LEVELS = {
    "none": FaultLevel(),
    "some": FaultLevel(
        call=0.0001, storm=0.03, news=0.005, mail=0.002, greylist=0.05, crash=0.1, payout=0.05, skew=0.1
    ),
    "many": FaultLevel(
        call=0.0004, storm=0.12, news=0.02, mail=0.01, greylist=0.3, crash=0.5, payout=0.2, skew=0.4
    ),
}


class FaultPlan:
    """Sets the rules of the sandbox and of the mail server for each day, and counts what they struck."""

    def __init__(
        self, sandbox: httpx.Client, tell_relay: Callable[[str], object], level: FaultLevel, seed: int
    ) -> None:
        self._sandbox, self._tell_relay, self._level, self._seed = sandbox, tell_relay, level, seed
        self.struck: Counter[str] = Counter()
        self.storms: list[date] = []
        self.skew = ClockSkew()
        self._paid_out: list[str] = []
        """Payouts that were asked for by hand."""
        self._set(_drizzle(level, seed), _mischief(level, seed))

    def dice(self, what: str, on: date) -> random.Random:
        """The day's own dice for something."""
        return random.Random(f"{self._seed}/{what}/{on}")  # noqa: S311 - to be drawn again

    def morning(self, on: date, at: datetime) -> None:
        """On some days the calls that move money fail by the dozen, until the afternoon; on half of those our balance is too low
        for any refund as well. On some the mail server takes a mail only when it is tried again, for up to 21 minutes as
        `rules/backoff` waits; on some, money is paid out by hand; on some, Stripe's clock is minutes off until the next morning.
        `at` is the present."""
        grey = self.dice("greylist", on)
        self._tell_relay(f"greylist {grey.randint(1, 3) if grey.random() < self._level.greylist else 0}")
        self._pay_out(on)
        self._set_clock(on, at)
        dice = self.dice("storm", on)
        if dice.random() < self._level.storm:
            self.storms.append(on)
            self._count()
            self._set([*_storm(dice), *_drizzle(self._level, on.toordinal())])
            if self.dice("balance", on).random() < 0.5:
                self._refunds("no_balance")

    def _pay_out(self, on: date) -> None:
        """Part of what is at the sandbox, as Stripe itemises no such payout; and now and then a bank sends one back."""
        dice = self.dice("payout", on)
        if dice.random() >= self._level.payout:
            return
        if self._paid_out and dice.random() < PAYOUTS_RETURNED:
            returned = {"do": "payout_fails", "payout": self._paid_out.pop()}
            self.struck["payout: sent back"] += self._banks(returned) is not None
        method, amount = dice.choice(("standard", "instant")), dice.randrange(1_000, 20_000)
        made = self._banks({"do": "pay_out", "method": method, "amount": amount})
        if made is not None:
            self._paid_out.append(made["id"])
            self.struck[f"payout: {method}, by hand"] += 1

    def _set_clock(self, on: date, at: datetime) -> None:
        dice = self.dice("skew", on)
        off = dice.random() < self._level.skew
        self._skew(dice.randint(-MOST_SECONDS, MOST_SECONDS) if off else 0, at)
        self.struck["clock: off"] += off

    def _skew(self, seconds: int, at: datetime) -> None:
        self._sandbox.post("/_sandbox/skew", json={"seconds": seconds}).raise_for_status()
        self.skew.set(at, seconds)

    def _banks(self, asked: dict[str, Any]) -> dict[str, Any] | None:
        """What the sandbox did; None where it can't, as there isn't so much to pay out."""
        answer = self._sandbox.post("/_sandbox/banks", json=asked)
        return dict(answer.json()) if answer.is_success else None

    def afternoon(self, on: date) -> None:
        """It is over."""
        if self.storms[-1:] == [on]:
            self._count()
            self._set(_drizzle(self._level, on.toordinal() + self._seed))
            self._refunds(None)

    def _refunds(self, how: str | None) -> None:
        self._sandbox.post("/_sandbox/banks", json={"do": "refunds", "as": how}).raise_for_status()

    def dies_at(self, on: date) -> str | None:
        """The stop point at which a worker dies from this day on; None on days on which none does."""
        dice = self.dice("crash", on)
        return dice.choice(STOPS) if dice.random() < self._level.crash else None

    def calm(self, at: datetime) -> None:
        """From `at` on nothing goes wrong any more."""
        self._count()
        for rule in self._sandbox.get("/_sandbox/trouble").json()["trouble"]:
            self.struck[f"webhook: {rule['effect']}"] += rule["hit"]
        self._sandbox.delete("/_sandbox/trouble").raise_for_status()
        self._skew(0, at)
        self._set([])

    def _count(self) -> None:
        for rule in self._sandbox.get("/_sandbox/faults").json()["faults"]:
            self.struck[f"call: {rule['effect']}"] += rule["hit"]

    def _set(self, faults: list[dict[str, Any]], trouble: list[dict[str, Any]] | None = None) -> None:
        self._sandbox.delete("/_sandbox/faults").raise_for_status()
        self._sandbox.post("/_sandbox/faults", json=faults).raise_for_status()
        if trouble is not None:
            self._sandbox.post("/_sandbox/trouble", json=trouble).raise_for_status()


def _rule(effect: str, chance: float, seed: int, path: str) -> dict[str, Any]:
    more = {"retry_after": 1} if effect == "429" else {}
    seconds = {"seconds": SILENCE_SECONDS}
    return {"effect": effect, "probability": chance, "seed": seed, "path": path} | seconds | more


def _drizzle(level: FaultLevel, seed: int) -> list[dict[str, Any]]:
    """A few of all calls fail, each in any way."""
    if not level.call:
        return []
    return [_rule(effect, level.call, seed * 100 + n, "/v1/*") for n, effect in enumerate(EFFECTS)]


def _storm(dice: random.Random) -> list[dict[str, Any]]:
    """Of the calls that move money, up to two in three fail, in two ways."""
    effects, chance = dice.sample(EFFECTS[:7], 2), dice.uniform(0.1, 0.35)
    path = dice.choice((*MONEY, MONEY[0]))
    return [_rule(effect, chance, dice.randrange(10**6), path) for effect in effects]


def _mischief(level: FaultLevel, seed: int) -> list[dict[str, Any]]:
    """Webhooks that are lost, doubled, late by up to a day, or out of order."""
    if not level.news:
        return []
    rules: list[dict[str, Any]] = []
    for n, kind in enumerate(NEWS):
        common = {"type": kind, "probability": level.news}
        rules += [
            {"effect": "drop", "seed": seed + n} | common,
            {"effect": "delay", "seconds": 3600, "seed": seed + 10 + n} | common,
            {"effect": "delay", "seconds": 80_000, "seed": seed + 20 + n} | common,
            {"effect": "reorder", "seed": seed + 30 + n} | common,
        ]
    rules.append({"effect": "double", "type": "*", "probability": level.news, "copies": 3, "seed": seed + 40})
    return rules
