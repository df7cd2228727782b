"""Events about objects that Stripe doesn't have (any more), or that aren't ours, are settled within minutes."""

from typing import Any

import pytest

from billing.acquirer.stripe.events import SIGNALS
from tests.support.starting_points import Subscriber
from tests.support.table_contents import changed, contents
from tests.support.webhook_messages import event, post
from tests.support.world import World

BUT = ("inbound_event", "worker_heartbeat", "held_time")
SETTLED_AT_ONCE = {"checkout.session.completed", "checkout.session.expired", "customer.deleted"}
"""A page is looked for among ours first; that a customer is missing is the news itself."""


def receive(world: World, kind: str, ref: str, **named: str) -> None:
    """An event of this kind about that object."""
    said = {"id": ref, "metadata": named}
    assert post(world, event(world, type=kind, data={"object": said})).status_code == 200


def outcome(world: World) -> dict[str, Any]:
    (row,) = world.rows(
        "SELECT tries, failures, settled_at IS NOT NULL AS settled, outcome, last_error FROM inbound_event"
        " WHERE event_ref = 'evt_of_the_test'"
    )
    return row


@pytest.mark.parametrize("kind", sorted(SIGNALS))
def test_an_event_about_what_stripe_does_not_have_is_settled_within_minutes(
    world: World, paid: Subscriber, kind: str
) -> None:
    """It belongs to another account, as with events of connected accounts, or to deleted test data."""
    assert world.subscription(paid.subscription_id)["status"] == "active"
    before = contents(world, but=BUT)
    receive(world, kind, "xx_of_another_account")
    world.settle()
    at_once = kind in SETTLED_AT_ONCE
    assert outcome(world)["settled"] is at_once
    world.advance(minutes=6)
    said = outcome(world)
    assert (said["tries"], said["failures"], said["settled"]) == (1 if at_once else 3, 0, True), said
    assert said["outcome"].startswith(("no such", "not our"))
    assert changed(before, contents(world, but=BUT)) == []


@pytest.mark.parametrize(
    ("kind", "became"),
    [("refund.updated", "succeeded"), ("charge.dispute.updated", "needs_answer"),
     ("payment_intent.succeeded", "charged"), ("payment_method.updated", "card refreshed")],
)  # fmt: skip
def test_an_object_that_stripe_denies_for_a_moment_is_asked_for_again(
    world: World, disputed: Subscriber, kind: str, became: str
) -> None:
    """Stripe has denied objects minutes after the event that named them."""
    world.settle()
    names = {
        "charge.dispute.updated": "SELECT gateway_ref AS ref FROM dispute",
        "payment_intent.succeeded": "SELECT intent_ref AS ref FROM payment",
        "payment_method.updated": "SELECT gateway_ref AS ref FROM payment_method",
    }
    if kind == "refund.updated":
        names[kind] = "SELECT gateway_ref AS ref FROM refund"
        world.sandbox.banks("win", dispute=world.rows(names["charge.dispute.updated"])[0]["ref"])
        world.settle()
        payment = world.rows("SELECT id FROM payment")[0]["id"]
        body = {"amount": 2500, "reason": "A kindness."}
        world.api.post(f"/v1/payments/{payment}/refunds", json=body).raise_for_status()
        world.settle()
    receive(world, kind, "xx_denied_for_now")
    world.settle()
    assert (outcome(world)["settled"], outcome(world)["failures"]) == (False, 0)
    (row,) = world.rows(names[kind])
    world.execute("UPDATE inbound_event SET object_ref = :ref WHERE object_ref = 'xx_denied_for_now'", **row)
    world.advance(minutes=1)
    assert outcome(world)["outcome"] in (became, "settled")
    assert world.rows("SELECT id FROM payment_method WHERE gone_at IS NOT NULL") == [], disputed.email


@pytest.mark.parametrize("kind", ["checkout.session.completed", "checkout.session.expired"])
def test_a_page_that_stripe_does_not_have_any_more_ends_with_its_time(
    world: World, owing: Subscriber, kind: str
) -> None:
    """Until then nothing else is charged, since the page may reappear. Then the retries go on."""
    browser = world.browser()
    browser.get(world.mailed_link(owing.email, "/pay/"))
    browser.sent_to("/pay/page")
    (attempt,) = world.rows("SELECT id FROM attempt WHERE hosted")
    world.execute("UPDATE attempt SET page_ref = 'cs_of_another_account' WHERE hosted")
    receive(world, kind, "cs_of_another_account", attempt=attempt["id"])
    world.advance(minutes=6)
    assert (outcome(world)["tries"], outcome(world)["outcome"]) == (3, "no such page")
    assert world.rows("SELECT state FROM attempt WHERE hosted") == [{"state": "open"}]
    world.advance(hours=1)
    assert world.rows("SELECT state FROM attempt WHERE hosted") == [{"state": "not_sent"}]


def test_a_card_page_that_stripe_denies_for_a_moment_still_saves_the_card(
    world: World, paid: Subscriber
) -> None:
    """The reader returns before Stripe lists the visit. Its event arrives later and names it."""
    browser = world.browser()
    browser.sign_in(paid.email)
    browser.get("/account")
    page = browser.sent_to("/account/card")
    (visit,) = world.rows("SELECT id, session_ref FROM card_setup WHERE state = 'open'")
    world.execute("UPDATE card_setup SET session_ref = 'cs_denied_for_now' WHERE state = 'open'")
    browser.get(world.sandbox.fill_in(page, "5555555555554444"))
    assert world.rows("SELECT state FROM card_setup WHERE id = :id", id=visit["id"]) == [{"state": "open"}]
    world.execute("UPDATE card_setup SET session_ref = :session_ref WHERE id = :id", **visit)
    world.settle()
    assert world.subscription(paid.subscription_id)["payment_method"]["last4"] == "4444"


def intent_of_another(world: World, **more: Any) -> str:
    """A pending PaymentIntent of another installation on the same account."""
    card = world.rows("SELECT customer_ref, gateway_ref FROM payment_method")[0]
    asked: Any = {
        "amount": 7500,
        "currency": "zar",
        "customer": card["customer_ref"],
        "payment_method": card["gateway_ref"],
        "allowed_payment_method_types": ["card"],
        **more,
    }
    return str(world.sandbox.client().v1.payment_intents.create(asked).id)


@pytest.mark.parametrize("kind", ["payment_intent.succeeded", "payment_intent.payment_failed"])
def test_another_installations_charge_that_is_not_decided_is_looked_at_once(
    world: World, in_trial: Subscriber, kind: str
) -> None:
    ref = intent_of_another(world, metadata={"attempt": "att_1", "installation": "another"})
    receive(world, kind, ref)
    world.settle()
    assert (outcome(world)["tries"], outcome(world)["outcome"]) == (1, "not our charge")
    assert world.rows("SELECT id FROM payment") == []
    assert world.subscription(in_trial.subscription_id)["status"] == "trialing"


def test_a_dispute_of_ours_that_stripe_does_not_have_any_more_is_told_to_staff(
    world: World, disputed: Subscriber
) -> None:
    """As with a key of another account. The next morning's comparison opens a case for it."""
    world.settle()
    world.execute("UPDATE dispute SET gateway_ref = 'du_of_another_account'")
    world.advance(days=1)
    cases = world.rows("SELECT subject, what FROM staff_case WHERE kind = 'not_compared'")
    assert [case["subject"] for case in cases] == ["du_of_another_account"]
    assert "Stripe has no such dispute" in cases[0]["what"]
    assert world.rows(
        "SELECT done_at IS NOT NULL AS done FROM reconciliation ORDER BY through DESC LIMIT 1"
    ) == [{"done": True}]
    assert disputed.email


def test_a_refund_of_ours_that_stripe_does_not_have_any_more_waits_for_a_person(
    world: World, paid: Subscriber
) -> None:
    """It isn't made again, nor marked failed. It is looked up again, and the doctor reports one that waits for long."""
    world.sandbox.banks("refunds", **{"as": "pending"})
    payment = world.rows("SELECT id FROM payment")[0]["id"]
    body = {"amount": 2500, "reason": "A kindness."}
    world.api.post(f"/v1/payments/{payment}/refunds", json=body).raise_for_status()
    world.settle()
    world.sandbox.trouble({"effect": "drop"})
    world.execute(
        "UPDATE refund SET gateway_ref = 're_of_another_account', next_poll_at = :now", now=world.now
    )
    world.settle()
    (row,) = world.rows("SELECT state, failure FROM refund")
    assert row["state"] == "pending"
    assert "No such refund" in row["failure"]
    assert len(world.sandbox.refunds()) == 1
    assert paid.email


@pytest.mark.parametrize("thing", [{"object": "balance", "available": []}, {"object": "balance", "id": None}])
@pytest.mark.parametrize("kind", ["balance.available", "refund.updated"])
def test_an_event_about_what_has_no_id_is_taken_and_settled(
    world: World, thing: dict[str, Any], kind: str
) -> None:
    """If it were refused, Stripe would resend it for three days, and then send no events at all."""
    assert post(world, event(world, type=kind, data={"object": thing})).status_code == 200
    world.settle()
    assert (outcome(world)["outcome"], outcome(world)["tries"]) == ("not for us", 1)
