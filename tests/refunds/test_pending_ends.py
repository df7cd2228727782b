"""A pending refund ends in each way that Stripe has."""

import pytest

from tests.support.starting_points import Subscriber
from tests.support.world import World


def give_back(world: World, how: str) -> None:
    world.sandbox.banks("refunds", **{"as": how})
    (payment,) = world.rows("SELECT id FROM payment")
    world.api.post(f"/v1/payments/{payment['id']}/refunds", json={"reason": "kind"}).raise_for_status()
    world.settle()
    world.sandbox.banks("refunds", **{"as": None})


@pytest.mark.parametrize("received", [True, False])
def test_one_that_fails_because_the_bank_took_the_money_is_owed_to_nobody(
    world: World, paid: Subscriber, received: bool
) -> None:
    """The reader has the money from the bank. Asking for an account would pay it twice."""
    if not received:
        world.sandbox.trouble({"effect": "drop", "type": "refund.*"})
    give_back(world, "pending_fails")
    assert world.rows("SELECT state FROM refund") == [{"state": "pending"}]
    world.sandbox.banks("dispute", charge=world.charges()[0]["id"])
    world.advance(days=2)
    assert world.rows("SELECT state, failure FROM refund") == [
        {"state": "failed", "failure": "charge_for_pending_refund_disputed"}
    ]
    assert "refund_failed" not in world.mail_kinds(paid.email)
    (case,) = world.rows("SELECT what FROM staff_case WHERE kind = 'refund_failed'")
    assert "asked for a bank account" not in case["what"]
    assert len(world.rows("SELECT id FROM dispute")) == 1


@pytest.mark.parametrize("received", [True, False])
def test_one_that_waits_for_the_reader_is_a_wait_and_fails_as_any_other(
    world: World, paid: Subscriber, received: bool
) -> None:
    """`requires_action` is pending, whatever reason and sum Stripe gives."""
    if not received:
        world.sandbox.trouble({"effect": "drop", "type": "refund.*"})
    give_back(world, "asks_reader")
    assert world.rows("SELECT state FROM refund") == [{"state": "pending"}]
    assert world.sandbox.refunds()[0]["status"] == "requires_action"
    world.advance(days=2)
    assert world.rows("SELECT state, not_owed FROM refund") == [{"state": "failed", "not_owed": False}]
    assert "refund_failed" in world.mail_kinds(paid.email)
