"""A subscription owes one period at most: a new invoice voids one left by an outage, which is never charged too."""

import pytest

from tests.proofs.steps import intend, send
from tests.support import ledger_checks
from tests.support.starting_points import Subscriber
from tests.support.world import World, local


def invoices(world: World) -> list[tuple[int, str]]:
    """Each with its period's number and its state."""
    rows = world.rows("SELECT period_number, state FROM invoice ORDER BY period_number")
    return [(row["period_number"], row["state"]) for row in rows]


def card_of(world: World) -> str:
    """The sandbox's name for the saved card."""
    (row,) = world.rows("SELECT gateway_ref FROM payment_method")
    return str(row["gateway_ref"])


def intended_then_no_worker(world: World, reader: Subscriber) -> None:
    """The renewal of 16 April is intended, and then no worker runs until 25 May."""
    world.advance_to(local(2027, 4, 16, 8, 59, 59))
    world.skip_to(local(2027, 4, 16, 9))
    intend(world, reader.subscription_id)
    world.skip_to(local(2027, 5, 25, 10))


def test_a_charge_left_by_an_outage_of_a_month_is_void_beside_the_present_one(
    world: World, paid: Subscriber
) -> None:
    intended_then_no_worker(world, paid)
    world.settle()
    assert world.charged_at() == ["2027-03-16 09:00", "2027-05-25 10:00"]
    assert invoices(world) == [(1, "paid"), (2, "void"), (3, "paid")]


def test_a_decline_after_the_outage_never_charges_the_month_that_was_given_away(
    world: World, paid: Subscriber
) -> None:
    world.sandbox.decline(card_of(world), "insufficient_funds")
    intended_then_no_worker(world, paid)
    world.settle()
    assert invoices(world) == [(1, "paid"), (2, "void"), (3, "open")]
    world.sandbox.decline(card_of(world), None)
    world.advance_to(local(2027, 6, 15))
    assert world.charged_at() == ["2027-03-16 09:00", "2027-05-28 09:00"], "one month, once"
    assert invoices(world) == [(1, "paid"), (2, "void"), (3, "paid")]
    ledger_checks.check(world)


def test_a_retry_left_by_an_outage_is_decided_for_the_month_that_is_read(
    world: World, owing: Subscriber
) -> None:
    """The retry of 19 April is intended, and no worker runs until June. April is over, and isn't charged."""
    world.advance_to(local(2027, 4, 19, 8, 59, 59))
    world.skip_to(local(2027, 4, 19, 9))
    intend(world, owing.subscription_id)
    world.sandbox.decline(card_of(world), None)
    world.skip_to(local(2027, 5, 25, 10))
    world.settle()
    assert invoices(world) == [(1, "paid"), (2, "void"), (3, "paid")]
    assert world.charged_at() == ["2027-03-16 09:00", "2027-05-25 10:00"]
    found = world.subscription(owing.subscription_id)
    assert (found["status"], found["period_start"]) == ("active", "2027-05-16")


def test_a_refusal_of_the_present_month_after_an_outage_begins_a_grace_of_its_own(
    world: World, owing: Subscriber
) -> None:
    world.advance_to(local(2027, 4, 19, 8, 59, 59))
    world.skip_to(local(2027, 4, 19, 9))
    intend(world, owing.subscription_id)
    world.skip_to(local(2027, 5, 25, 10))
    world.settle()
    assert invoices(world) == [(1, "paid"), (2, "void"), (3, "open")]
    (row,) = world.rows("SELECT state, first_failed_on, retry_on FROM subscription")
    assert (row["state"], str(row["first_failed_on"]), str(row["retry_on"])) == (
        "past_due",
        "2027-05-25",
        "2027-05-28",
    )


@pytest.mark.rare
def test_a_charge_of_a_month_given_away_that_turns_up_late_goes_back(world: World, paid: Subscriber) -> None:
    """Stripe made April's charge and all its events were lost. The morning's comparison finds it after May was paid."""
    world.advance_to(local(2027, 4, 16, 8, 59, 59))
    world.skip_to(local(2027, 4, 16, 9))
    intend(world, paid.subscription_id)
    world.sandbox.trouble({"effect": "drop", "type": "*"})
    send(world, paid.subscription_id)
    world.execute("UPDATE attempt SET state = 'not_sent', settled_at = now() WHERE state = 'open'")
    world.execute(
        "UPDATE subscription SET charging_since = NULL, next_action = 'renew', next_action_at = now()"
    )
    world.skip_to(local(2027, 5, 25, 10))
    world.settle()
    world.sandbox.trouble()
    world.advance(days=2)
    found = world.subscription(paid.subscription_id)
    assert (found["status"], found["period_start"]) == ("active", "2027-05-16"), "nothing moves back"
    assert [refund["amount"] for refund in world.sandbox.refunds()] == [7500]
    assert "given to you" in " ".join(world.letter(paid.email, "Credit note").text.split())
    ledger_checks.check(world)


def test_the_link_to_a_month_given_away_tells_the_truth(world: World, owing: Subscriber) -> None:
    link = world.mailed_link(owing.email, "/pay/")
    world.advance_to(local(2027, 4, 19, 8, 59, 59))
    world.skip_to(local(2027, 4, 19, 9))
    intend(world, owing.subscription_id)
    world.skip_to(local(2027, 5, 25, 10))
    world.settle()
    words = world.browser().get(link).words
    assert "given to you" in words
    assert "ended" not in words
