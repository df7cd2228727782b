"""Events reach the endpoint signed, are retried, and meet webhook faults on demand."""

import pytest
from stripe import SignatureVerificationError, Webhook

from tests.dev.sandbox.receiver import SECRET, Receiver
from tests.dev.sandbox.stripe_calls import Stripe, a_customer, a_saved_card, charge
from tests.support.sandbox import Sandbox


@pytest.fixture(autouse=True)
def _hooked(sandbox: Sandbox, receiver: Receiver) -> None:
    sandbox.set_clock(sandbox.now)
    sandbox.add_webhook(*receiver.hook)


def test_events_arrive_signed_with_the_object_as_it_was(
    sandbox: Sandbox, stripe: Stripe, receiver: Receiver
) -> None:
    customer = a_customer(stripe, name="Before")
    stripe.v1.customers.update(customer.id, {"name": "After"})
    sandbox.settle()
    events = receiver.events(tolerance=300)
    created = next(event for event in events if event.type == "customer.created")
    updated = next(event for event in events if event.type == "customer.updated")
    assert created.data.object["name"] == "Before"
    assert updated.data.previous_attributes["name"] == "Before"
    assert created.api_version == "2026-10-28.endive"
    assert created.request.id.startswith("req_")
    body, sign = receiver.got[0]
    with pytest.raises(SignatureVerificationError):
        Webhook.construct_event(body + b" ", sign, SECRET)
    with pytest.raises(SignatureVerificationError):
        Webhook.construct_event(body, sign, "whsec_another")


def test_a_held_clock_dates_the_signature(sandbox: Sandbox, stripe: Stripe, receiver: Receiver) -> None:
    sandbox.advance(days=90)
    a_customer(stripe)
    sandbox.settle()
    assert receiver.got[0][1].startswith(f"t={int(sandbox.now.timestamp())},v1=")


def test_a_delivery_is_repeated_as_the_clock_moves(
    sandbox: Sandbox, stripe: Stripe, receiver: Receiver
) -> None:
    receiver.status = 500
    a_customer(stripe)
    sandbox.settle()
    sandbox.settle()
    assert len(receiver.got) == 1
    assert stripe.v1.events.list({"delivery_success": False}).data[0].pending_webhooks == 1
    sandbox.advance(seconds=5)
    sandbox.settle()
    assert len(receiver.got) == 2
    receiver.status = 200
    sandbox.advance(hours=1)
    sandbox.settle()
    sandbox.advance(hours=1)
    sandbox.settle()
    assert len(receiver.got) == 3
    assert len({event.id for event in receiver.events()}) == 1
    assert stripe.v1.events.list().data[0].pending_webhooks == 0


def test_an_endpoint_that_never_answers_well_is_given_up_after_days(
    sandbox: Sandbox, stripe: Stripe, receiver: Receiver
) -> None:
    receiver.status = 500
    a_customer(stripe)
    for _ in range(12):
        sandbox.settle()
        sandbox.advance(days=1)
    assert len(receiver.got) == 11
    assert [row["state"] for row in sandbox.objects("delivery")] == ["failed"]


def test_an_endpoint_made_by_the_api_gets_what_it_asked_for(sandbox: Sandbox, stripe: Stripe) -> None:
    with Receiver() as other:
        made = stripe.v1.webhook_endpoints.create(
            {"url": other.url, "enabled_events": ["charge.succeeded"], "api_version": "2026-10-28.endive"}
        )
        assert made.secret is not None
        assert stripe.v1.webhook_endpoints.retrieve(made.id).to_dict().get("secret") is None
        card = a_saved_card(stripe, "pm_card_visa")
        charge(stripe, card)
        sandbox.settle()
        got = [Webhook.construct_event(body, sign, made.secret).type for body, sign in other.got]
        assert got == ["charge.succeeded"]
        stripe.v1.webhook_endpoints.update(made.id, {"disabled": True})
        charge(stripe, card)
        sandbox.settle()
        assert len(other.got) == 1
        stripe.v1.webhook_endpoints.delete(made.id)
        assert made.id not in [one.id for one in stripe.v1.webhook_endpoints.list().data]


def test_doubled_dropped_and_delayed(sandbox: Sandbox, stripe: Stripe, receiver: Receiver) -> None:
    sandbox.trouble(
        {"effect": "double", "type": "charge.succeeded", "copies": 5},
        {"effect": "drop", "type": "payment_intent.created"},
        {"effect": "delay", "type": "payment_intent.succeeded", "seconds": 86400},
    )
    charge(stripe, a_saved_card(stripe, "pm_card_visa"))
    sandbox.settle()
    assert receiver.types().count("charge.succeeded") == 5
    assert not {"payment_intent.created", "payment_intent.succeeded"} & set(receiver.types())
    sandbox.advance(days=1)
    sandbox.settle()
    assert receiver.types().count("payment_intent.succeeded") == 1


def test_out_of_order(sandbox: Sandbox, stripe: Stripe, receiver: Receiver) -> None:
    sandbox.trouble({"effect": "reorder", "type": "customer.*", "window": 3})
    customer = a_customer(stripe)
    stripe.v1.customers.update(customer.id, {"name": "A"})
    assert receiver.got == []
    stripe.v1.customers.update(customer.id, {"name": "B"})
    sandbox.settle()
    assert sorted(receiver.types()) == ["customer.created", "customer.updated", "customer.updated"]
    sent = [row["event"] for row in sandbox.objects("delivery")]
    assert len(sent) == 3


def test_an_old_event_is_sent_again(sandbox: Sandbox, stripe: Stripe, receiver: Receiver) -> None:
    a_customer(stripe)
    sandbox.settle()
    sandbox.resend(sandbox.events()[0]["id"], copies=4)
    sandbox.settle()
    assert len(receiver.got) == 5


def test_nobody_listens(sandbox: Sandbox, stripe: Stripe) -> None:
    sandbox.add_webhook("http://127.0.0.1:9/none", "whsec_none")
    a_customer(stripe)
    sandbox.settle()
    states = {row["state"] for row in sandbox.objects("delivery")}
    assert states == {"succeeded", "pending"}


def test_events_are_kept_for_thirty_days(sandbox: Sandbox, stripe: Stripe, receiver: Receiver) -> None:
    a_customer(stripe)
    sandbox.settle()
    sandbox.advance(days=30)
    assert len(sandbox.events()) == 1
    sandbox.advance(seconds=1)
    assert sandbox.events() == []
    assert sandbox.objects("delivery") == []
