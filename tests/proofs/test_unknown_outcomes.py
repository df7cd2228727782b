"""Nobody can say whether the money was taken: that is a state. Stripe is asked before anything is charged again."""

from datetime import timedelta
from typing import Any

import pytest

from tests.proofs import books
from tests.proofs.steps import intend, send
from tests.world import World, local

CHARGE_AT = local(2027, 3, 16, 9)
CHARGING = {"method": "POST", "path": "/v1/payment_intents"}


def due(world: World) -> dict[str, Any]:
    """A trial whose first charge is due now; no event of Stripe's will tell what became of it."""
    started = world.start_trial("thandi@example.com")
    world.advance_to(CHARGE_AT - timedelta(seconds=1))
    world.skip_to(CHARGE_AT)
    world.twin.trouble({"effect": "drop", "type": "payment_intent.*"})
    return started


def jump(world: World, **span: float) -> None:
    """Time passes, and nobody looks meanwhile."""
    world.skip_to(world.now + timedelta(**span))


def check_open(world: World, started: dict[str, Any], asked: int = 1) -> None:
    """The outcome is unknown: the reader reads on, and is told nothing."""
    assert world.rows("SELECT state, asked FROM attempt") == [{"state": "open", "asked": asked}]
    assert world.rows("SELECT state, number FROM invoice") == [{"state": "open", "number": None}]
    access = world.access(world.articles["subscriber"][0], started["reader"]["id"])
    assert (access["allowed"], access["reason"]) == (True, "trial")
    assert world.rows("SELECT kind FROM message WHERE kind NOT IN ('trial_started', 'trial_notice')") == []


def check_charged_once(world: World, started: dict[str, Any]) -> None:
    """It ended well: one charge, one receipt."""
    books.check(world)
    assert len(world.charges()) == 1
    assert world.subscription(started["subscription"]["id"])["status"] == "active"
    assert [letter.recipient for letter in world.letters() if "Tax invoice" in letter.text] == [
        "thandi@example.com"
    ]


@pytest.mark.parametrize(
    ("fault", "taken"),
    [
        pytest.param({"effect": "timeout_before", "seconds": 1}, 0, id="silence"),
        pytest.param({"effect": "timeout_after", "seconds": 1}, 1, id="silence after the charge"),
        pytest.param({"effect": "cut"}, 1, id="cut"),
        pytest.param({"effect": "reset", "when": "before"}, 0, id="reset"),
        pytest.param({"effect": "reset", "when": "after"}, 1, id="reset after the charge"),
        pytest.param({"effect": "429"}, 0, id="429"),
        pytest.param({"effect": "500_after"}, 1, id="500 after the charge"),
    ],
)
def test_an_unknown_outcome_is_asked_for_a_minute_later(
    world: World, fault: dict[str, Any], taken: int
) -> None:
    started = due(world)
    world.twin.faults({"times": None, **CHARGING, **fault})
    world.settle()
    check_open(world, started)
    assert len(world.charges()) == taken
    world.twin.faults()
    world.advance(seconds=59)
    check_open(world, started)
    world.advance(seconds=1)
    check_charged_once(world, started)


@pytest.mark.parametrize("fault", [{"effect": "timeout_after", "seconds": 1}, {"effect": "cut"}])
def test_one_bad_answer_is_mended_by_the_same_key(world: World, fault: dict[str, Any]) -> None:
    started = due(world)
    world.twin.faults({**CHARGING, **fault})
    world.settle()
    world.advance(minutes=1)
    check_charged_once(world, started)
    assert [row["ordinal"] for row in world.rows("SELECT ordinal FROM attempt")] == [1]


@pytest.mark.prove
def test_a_real_timeout_of_twenty_seconds(world: World) -> None:
    started = due(world)
    world.twin.faults({**CHARGING, "effect": "timeout_after", "times": None, "seconds": 120})
    world.settle()
    check_open(world, started)
    world.twin.faults()
    world.advance(minutes=1)
    check_charged_once(world, started)


def test_a_server_error_that_sticks_to_its_key_gets_a_new_one_when_it_is_old(world: World) -> None:
    """Stripe answers a key with the 500 it gave first, for a day: nothing was charged, and nothing may be with that key."""
    started = due(world)
    world.twin.faults({**CHARGING, "effect": "500_before"})
    world.settle()
    check_open(world, started)
    jump(world, hours=19)
    world.settle()
    assert world.charges() == []
    check_open(world, started, asked=2)
    jump(world, hours=2)
    world.settle()
    check_charged_once(world, started)
    states = [row["state"] for row in world.rows("SELECT state FROM attempt ORDER BY ordinal")]
    assert states == ["withdrawn", "charged"]


@pytest.mark.parametrize(("when", "taken"), [("before", 0), ("after", 1)])
def test_stripe_is_away_for_a_day(world: World, when: str, taken: int) -> None:
    started = due(world)
    world.twin.faults({"effect": "reset", "when": when, "path": "/v1/payment_intents*", "times": None})
    world.settle()
    jump(world, hours=23)
    world.settle()
    check_open(world, started, asked=2)
    assert len(world.charges()) == taken
    world.twin.faults()
    world.advance(hours=1)
    check_charged_once(world, started)


def test_stripe_is_away_so_long_that_the_notices_are_old(world: World) -> None:
    """No notice, no charge: the trial goes on, both notices come again, and the period begins on the day of the charge."""
    started = due(world)
    world.twin.faults({"effect": "reset", "when": "before", "path": "/v1/payment_intents*", "times": None})
    world.settle()
    jump(world, hours=50)
    world.settle()
    check_open(world, started, asked=2)
    world.twin.faults()
    world.advance(hours=2)
    assert world.charges() == []
    assert world.subscription(started["subscription"]["id"])["status"] == "trialing"
    assert world.access(world.articles["subscriber"][0], started["reader"]["id"])["reason"] == "trial"

    world.advance(days=9)
    check_charged_once(world, started)
    (invoice,) = world.rows("SELECT period_start_on, period_end_on, issued_on FROM invoice")
    (held,) = world.rows("SELECT charge_on, period_start_on, period_end_on FROM subscription")
    assert invoice["period_start_on"] == invoice["issued_on"] == held["charge_on"] == held["period_start_on"]
    assert held["charge_on"] > local(2027, 3, 18).date()
    assert (invoice["period_end_on"].day, held["period_end_on"].day) == (held["charge_on"].day,) * 2
    world.advance_to(local(2027, 4, 26, 8))
    assert len(world.charges()) == 1
    world.advance(hours=2)
    assert len(world.charges()) == 2


def test_a_decline_nobody_heard_is_found(world: World) -> None:
    started = due(world)
    world.twin.decline(
        world.rows("SELECT gateway_ref FROM payment_method")[0]["gateway_ref"], "insufficient_funds"
    )
    intend(world, started["subscription"]["id"])
    send(world, started["subscription"]["id"])
    world.settle()
    assert [(charge["status"]) for charge in world.twin.charges()] == ["failed"]
    assert world.rows("SELECT state, evidence ->> 'decline_code' AS code FROM attempt") == [
        {"state": "declined", "code": "insufficient_funds"}
    ]
    assert world.subscription(started["subscription"]["id"])["status"] == "past_due"
