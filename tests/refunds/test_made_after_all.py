"""Stripe refused a refund but made it nevertheless: its webhook is believed, once."""

from typing import Any

import pytest

from tests.support import ledger_checks
from tests.support.cancel_helpers import cancel
from tests.support.staff_members import SignIn
from tests.support.starting_points import Subscriber
from tests.support.world import World


@pytest.fixture
def refused(world: World, paid: Subscriber) -> str:
    """The id of a refund that Stripe has refused for good. The reader has a mail that it is owed."""
    world.sandbox.banks("refunds", **{"as": "too_old"})
    cancel(world, paid.subscription_id, when="now", refund="last")
    world.settle()
    world.sandbox.banks("refunds", **{"as": None})
    (row,) = world.rows("SELECT id, state, gateway_ref FROM refund")
    assert (row["state"], row["gateway_ref"]) == ("failed", None)
    return str(row["id"])


def made(world: World, refund_id: str) -> str:
    """Let Stripe report a refund that names ours, and return its reference there."""
    stripe: Any = world.sandbox.client()
    asked = {"charge": world.charges()[0]["id"], "metadata": {"refund": refund_id}}
    ref = str(stripe.v1.refunds.create(asked).id)
    world.settle()
    return ref


@pytest.mark.parametrize("way", ["succeeded", "pending"])
def test_its_news_settles_it_with_its_credit_note(
    world: World, paid: Subscriber, refused: str, way: str, staff: SignIn
) -> None:
    world.sandbox.banks("refunds", **{"as": way})
    ref = made(world, refused)
    assert "Owed to readers" not in staff("finance").get("/staff/books").words
    world.advance(days=2)
    (row,) = world.rows("SELECT state, gateway_ref, credit_note_number, not_owed, failure FROM refund")
    assert row == {
        "state": "succeeded",
        "gateway_ref": ref,
        "credit_note_number": 1,
        "not_owed": False,
        "failure": None,
    }
    assert "CN-000001" in world.letter(paid.email, "Credit note").text
    assert world.rows("SELECT 1 FROM staff_case WHERE closed_at IS NULL") == []
    ledger_checks.check(world)


def test_one_that_a_transfer_has_paid_meanwhile_stays_as_it_is(
    world: World, refused: str, staff: SignIn
) -> None:
    finance = staff("finance")
    finance.get("/staff/books")
    finance.post("/staff/books/paid-back", reference="EFT 1")
    made(world, refused)
    (row,) = world.rows("SELECT state, gateway_ref, paid_back_ref, credit_note_number FROM refund")
    assert row == {"state": "failed", "gateway_ref": None, "paid_back_ref": "EFT 1", "credit_note_number": 1}


def test_one_whose_money_another_refund_returns_stays_as_it_is(
    world: World, paid: Subscriber, refused: str
) -> None:
    world.sandbox.banks("refunds", **{"as": "no_balance"})
    (payment,) = world.rows("SELECT id FROM payment")
    world.api.post(f"/v1/payments/{payment['id']}/refunds", json={"reason": "again"}).raise_for_status()
    world.settle()
    world.sandbox.banks("refunds", **{"as": None})
    made(world, refused)
    (row,) = world.rows("SELECT state FROM refund WHERE id = :id", id=refused)
    assert row["state"] == "failed"
    assert world.rows("SELECT 1 FROM inbound_event WHERE settled_at IS NULL") == []
