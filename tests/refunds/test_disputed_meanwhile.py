"""A refund fails because the bank disputes the charge: the money goes back once, and it is promised only once."""

import pytest

from tests.support.browser import Browser
from tests.support.cancel_helpers import cancel
from tests.support.ledger_queries import balances
from tests.support.staff_members import SignIn
from tests.support.starting_points import Subscriber
from tests.support.world import World


def dispute(world: World, amount: int = 7500) -> str:
    """Let the reader's bank dispute the first charge, and its event arrive. Return the dispute at Stripe."""
    made = world.sandbox.banks("dispute", charge=world.charges()[0]["id"], amount=amount)
    world.settle()
    return str(made["id"])


def owed_on_pages(world: World, reader: Subscriber, finance: Browser) -> tuple[bool, bool]:
    """Whether the reader's and finance's pages say that money is owed."""
    with world.browser() as browser:
        browser.sign_in(reader.email)
        by_reader = "owed to you" in browser.get("/account").words
    return by_reader, "Owed to readers" in finance.get("/staff/books").words


def leave(world: World, reader: Subscriber, refunds: str) -> None:
    """Let the reader leave at once; `refunds` is what becomes of refunds at the bank."""

    def live() -> None:
        world.sandbox.banks("refunds", **{"as": refunds})
        cancel(world, reader.subscription_id, when="now", refund="last")

    world.once(f"the reader has left, and refunds are {refunds}", live)


@pytest.fixture
def pending(world: World, paid: Subscriber) -> Subscriber:
    """A reader who has left, and whose refund is pending at the bank."""
    leave(world, paid, "pending")
    return paid


def disputed_a_day(world: World) -> str:
    """The reader's bank disputes the charge, and a day and an hour go by. Call it right after a fixture. The dispute at Stripe."""

    def live() -> str:
        ref = dispute(world)
        world.advance(days=1, hours=1)
        return ref

    return world.once("a dispute of a day", live)


@pytest.fixture
def bouncing(world: World, paid: Subscriber) -> Subscriber:
    """A reader who has left, and whose refund succeeded and fails a day later."""
    leave(world, paid, "fails")
    return paid


def test_a_pending_refund_that_a_dispute_ends_is_not_promised_by_transfer(
    world: World, pending: Subscriber, staff: SignIn
) -> None:
    dispute(world)
    world.advance(days=1)
    (row,) = world.rows("SELECT state, failure FROM refund")
    assert row == {"state": "failed", "failure": "charge_for_pending_refund_disputed"}
    assert "refund_failed" not in world.mail_kinds(pending.email)
    assert owed_on_pages(world, pending, staff("finance")) == (False, False)
    (case,) = world.rows("SELECT what FROM staff_case WHERE kind = 'refund_failed'")
    assert "asked for a bank account" not in case["what"]
    assert "the reader's bank has taken the charge back" in case["what"]


def test_its_failure_waits_for_the_news_of_the_dispute(world: World, pending: Subscriber) -> None:
    world.sandbox.trouble({"type": "charge.dispute.*", "effect": "drop"})
    dispute(world)
    assert world.rows("SELECT state FROM refund") == [{"state": "pending"}], (
        "it is not known yet who has the money"
    )
    assert "refund_failed" not in world.mail_kinds(pending.email)
    world.sandbox.trouble()
    for event in world.sandbox.events():
        if event["type"] == "charge.dispute.created":
            world.sandbox.resend(event["id"])
    world.settle()
    world.advance(days=1)
    assert world.rows("SELECT state FROM refund") == [{"state": "failed"}]
    assert "refund_failed" not in world.mail_kinds(pending.email)


def test_a_refund_that_bounces_while_a_bank_has_the_money_is_not_owed_besides(
    world: World, bouncing: Subscriber, staff: SignIn
) -> None:
    ref = disputed_a_day(world)
    assert world.rows("SELECT state FROM refund") == [{"state": "failed"}]
    assert "refund_failed" not in world.mail_kinds(bouncing.email)
    finance = staff("finance")
    assert owed_on_pages(world, bouncing, finance) == (False, False)
    (row,) = world.rows("SELECT id FROM refund")
    typed = {"refund_id": row["id"], "reference": "EFT 1", "on": f"{world.now:%Y-%m-%d}"}
    assert finance.http.post("/staff/books/paid-back", data=typed).status_code in (403, 409)
    world.sandbox.banks("lose", dispute=ref)
    world.settle()
    assert owed_on_pages(world, bouncing, finance) == (False, False)
    assert "refunds_owed" not in balances(world), "the bank has paid what we owed"
    assert world.rows("SELECT 1 FROM staff_case WHERE kind = 'refund_failed' AND closed_at IS NULL") == []


def test_after_a_dispute_that_was_lost_a_refund_that_bounces_is_money_of_ours(
    world: World, bouncing: Subscriber, staff: SignIn
) -> None:
    world.sandbox.banks("lose", dispute=dispute(world))
    world.settle()
    world.advance(days=1, hours=1)
    assert owed_on_pages(world, bouncing, staff("finance")) == (False, False)
    assert "refunds_owed" not in balances(world)


@pytest.mark.parametrize("way", ["pending", "bouncing"])
def test_when_the_dispute_is_won_it_is_owed_and_the_reader_is_asked_how_to_pay(
    world: World, way: str, request: pytest.FixtureRequest, staff: SignIn
) -> None:
    reader: Subscriber = request.getfixturevalue(way)
    ref = disputed_a_day(world)
    assert world.mail_kinds(reader.email).count("refund_failed") == 0
    world.sandbox.banks("win", dispute=ref)
    world.settle()
    assert owed_on_pages(world, reader, staff("finance")) == (True, True)
    assert world.mail_kinds(reader.email).count("refund_failed") == 1


def test_a_bank_that_took_a_part_pays_no_debt_that_is_greater(
    world: World, bouncing: Subscriber, staff: SignIn
) -> None:
    dispute(world, 3000)
    world.advance(days=1, hours=1)
    assert owed_on_pages(world, bouncing, staff("finance")) == (True, True)
