"""Which debt a refund made in Stripe's dashboard pays, and what happens if one fails later."""

from datetime import date
from typing import Any

import pytest

from tests.support.books import book_text, rows_of
from tests.support.browser import Browser
from tests.support.staff_members import SignIn
from tests.support.starting_points import Subscriber, fast_forward
from tests.support.world import World, local


def by_hand(world: World, cents: int) -> str:
    """A refund of the first charge in the dashboard; its reference."""
    stripe: Any = world.sandbox.client()
    return str(stripe.v1.refunds.create({"charge": world.charges()[0]["id"], "amount": cents}).id)


def of_ours(world: World, cents: int) -> None:
    """A refund by the API that succeeds and fails within a day. It is the day after."""
    world.sandbox.banks("refunds", **{"as": "fails"})
    (payment,) = world.rows("SELECT id FROM payment")
    body = {"amount": cents, "reason": "kind"}
    world.api.post(f"/v1/payments/{payment['id']}/refunds", json=body).raise_for_status()
    world.settle()
    world.sandbox.banks("refunds", **{"as": None})
    world.advance(days=1, hours=1)
    assert world.rows("SELECT 1 FROM refund WHERE bounced_at IS NOT NULL")


def bounced(world: World) -> None:
    """R30.00 of the charge, returned by the API on 17 March, has come back. It is the day after."""
    fast_forward(world, local(2027, 3, 17, 11))
    world.once("R30.00 bounced", lambda: of_ours(world, 3000))


def enter(world: World, finance: Browser, reader: Subscriber, ref: str) -> None:
    """Press the one button."""
    where = f"/staff/readers/{reader.reader_id}/enter-refund"
    finance.get(f"{where}?refund={ref}")
    finance.post(where, reason="Asked for by phone", step="confirm")
    world.settle()


def test_one_made_before_a_refund_of_ours_bounced_is_a_refund_of_its_own(
    world: World, paid: Subscriber, staff: SignIn
) -> None:
    fast_forward(world, local(2027, 3, 17, 11))
    before = by_hand(world, 3000)
    world.advance(hours=2)
    of_ours(world, 3000)
    finance = staff("finance")
    enter(world, finance, paid, before)
    rows = world.rows("SELECT gateway_ref, state, paid_back_at FROM refund ORDER BY created_at")
    assert [(row["state"], row["paid_back_at"]) for row in rows] == [("succeeded", None), ("failed", None)]
    assert rows[0]["gateway_ref"] == before
    assert f"{paid.email} R30.00 incl. VAT" in finance.get("/staff/books").words, "that is still owed"


def test_one_made_after_it_bounced_pays_what_it_left_owing(
    world: World, paid: Subscriber, staff: SignIn
) -> None:
    bounced(world)
    world.advance(hours=1)
    after = by_hand(world, 3000)
    finance = staff("finance")
    enter(world, finance, paid, after)
    assert world.rows("SELECT paid_back_ref FROM refund") == [{"paid_back_ref": after}]
    assert "Owed to readers" not in finance.get("/staff/books").words


def test_one_made_before_we_heard_of_the_bounce_pays_it_where_it_can_be_nothing_else(
    world: World, paid: Subscriber, staff: SignIn
) -> None:
    """More than the charge can't be returned, so the whole of it had come back."""
    fast_forward(world, local(2027, 3, 17, 11))
    world.sandbox.banks("refunds", **{"as": "fails"})
    (payment,) = world.rows("SELECT id FROM payment")
    world.api.post(f"/v1/payments/{payment['id']}/refunds", json={"reason": "kind"}).raise_for_status()
    world.settle()
    world.sandbox.trouble({"type": "refund.*", "effect": "drop"})
    world.sandbox.banks("refund_fails", refund=world.sandbox.refunds()[0]["id"])
    world.sandbox.banks("refunds", **{"as": "succeeded"})
    again = by_hand(world, 7500)
    world.advance(hours=1)
    world.sandbox.trouble()
    for event in world.sandbox.events():
        if event["type"] == "refund.failed":
            world.sandbox.resend(event["id"])
    world.settle()
    enter(world, staff("finance"), paid, again)
    assert world.rows("SELECT paid_back_ref FROM refund") == [{"paid_back_ref": again}]


@pytest.mark.parametrize("way", ["pending_fails", "canceled"])
def test_one_that_was_entered_while_it_was_pending_and_fails_is_promised_to_nobody(
    world: World, paid: Subscriber, staff: SignIn, way: str
) -> None:
    fast_forward(world, local(2027, 3, 17, 11))
    world.sandbox.banks("refunds", **{"as": way})
    enter(world, staff("finance"), paid, by_hand(world, 7500))
    assert world.rows("SELECT state FROM refund") == [{"state": "pending"}]
    world.advance(days=2)
    assert world.rows("SELECT state FROM refund") == [{"state": "failed"}]
    assert "refund_failed" not in world.mail_kinds(paid.email)
    assert "Owed to readers" not in staff("admin").get("/staff/books").words
    (case,) = world.rows("SELECT what FROM staff_case WHERE kind = 'refund_failed'")
    assert "asked for a bank account" not in case["what"]


def credit_notes(world: World) -> list[str]:
    """What the bookkeeper's file of March says of the money, oldest first."""
    text = book_text(world, "credit-notes", date(2027, 3, 1), date(2027, 3, 31))
    return [line["money"] for line in rows_of(text)]


def test_the_bookkeeper_and_staff_see_by_which_way_a_debt_was_paid(
    world: World, paid: Subscriber, staff: SignIn
) -> None:
    bounced(world)
    of_ours(world, 2000)
    assert credit_notes(world) == ["owed, the refund bounced"] * 2
    after = by_hand(world, 3000)
    finance = staff("finance")
    enter(world, finance, paid, after)
    finance.get("/staff/books")
    finance.post("/staff/books/paid-back", reference="EFT 1")
    assert credit_notes(world) == [
        f"paid by another refund to the card: {after}",
        "paid by bank transfer: EFT 1",
    ]
    words = finance.get(f"/staff/readers/{paid.reader_id}").words
    assert "R30.00 incl. VAT did not go back at first, and went to the card by another refund" in words
    assert f"paid by {after}" in words
    assert "R20.00 incl. VAT did not go back to the card, and was paid by bank transfer" in words
    assert "bank transfer EFT 1" in words


def test_what_a_bank_returned_is_not_called_owed(world: World, paid: Subscriber, staff: SignIn) -> None:
    bounced(world)
    world.sandbox.banks("dispute", charge=world.charges()[0]["id"])
    world.settle()
    assert credit_notes(world) == ["the refund bounced, and the reader's bank has the money"]
    words = staff("finance").get(f"/staff/readers/{paid.reader_id}").words
    assert "R30.00 incl. VAT bounced after it went back, and the reader's bank has the money" in words
