"""Simulated readers return from the card page while Stripe can't tell its outcome: they reload, and the start succeeds."""

from datetime import date

import pytest

from billing.dev.simulate.environment import SimulatedInstallation
from billing.dev.simulate.run import FIRST_DAY, SimulationOptions, simulate
from billing.dev.simulate.scenarios import ActKind

pytestmark = pytest.mark.prove

SEED = 31
"""Four of its twelve readers start by the pages."""


def fail_most_questions(installation: SimulatedInstallation, on: date) -> None:
    if on == FIRST_DAY:
        rule = {
            "effect": "500_before",
            "method": "GET",
            "path": "/v1/checkout/sessions/*",
            "probability": 0.7,
        }
        installation.sandbox.post("/_sandbox/faults", json=[rule]).raise_for_status()


def test_a_start_whose_end_stripe_cannot_tell_at_first_is_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BILLING_DATABASE_URL", raising=False)
    found = simulate(SimulationOptions(readers=12, months=1, seed=SEED), interfere=fail_most_questions)
    assert found.struck["call: 500_before"] > 0
    answers = {answer for kind, answer in found.answers if kind is ActKind.START}
    assert answers == {"accepted", "card_declined"}, "by its bank, before any page"
    assert found.broken == []
