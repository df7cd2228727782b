"""Events reach the endpoint signed, are retried, and meet trouble on demand."""

import pytest
from stripe import SignatureVerificationError, Webhook

from tests.sandbox.asking import Stripe, a_customer, a_saved_card, charge
from tests.sandbox.receiver import SECRET, Receiver
from tests.twin import Twin


@pytest.fixture(autouse=True)
def _hooked(twin: Twin, receiver: Receiver) -> None:
    twin.set_clock(twin.now)
    twin.add_webhook(*receiver.hook)


def test_events_arrive_signed_with_the_object_as_it_was(
    twin: Twin, stripe: Stripe, receiver: Receiver
) -> None:
    customer = a_customer(stripe, name="Before")
    stripe.v1.customers.update(customer.id, {"name": "After"})
    twin.settle()
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


def test_a_held_clock_dates_the_signature(twin: Twin, stripe: Stripe, receiver: Receiver) -> None:
    twin.advance(days=90)
    a_customer(stripe)
    twin.settle()
    assert receiver.got[0][1].startswith(f"t={int(twin.now.timestamp())},v1=")


def test_a_delivery_is_repeated_as_the_clock_moves(twin: Twin, stripe: Stripe, receiver: Receiver) -> None:
    receiver.status = 500
    a_customer(stripe)
    twin.settle()
    twin.settle()
    assert len(receiver.got) == 1
    assert stripe.v1.events.list({"delivery_success": False}).data[0].pending_webhooks == 1
    twin.advance(seconds=5)
    twin.settle()
    assert len(receiver.got) == 2
    receiver.status = 200
    twin.advance(hours=1)
    twin.settle()
    twin.advance(hours=1)
    twin.settle()
    assert len(receiver.got) == 3
    assert len({event.id for event in receiver.events()}) == 1
    assert stripe.v1.events.list().data[0].pending_webhooks == 0


def test_an_endpoint_that_never_answers_well_is_given_up_after_days(
    twin: Twin, stripe: Stripe, receiver: Receiver
) -> None:
    receiver.status = 500
    a_customer(stripe)
    for _ in range(12):
        twin.settle()
        twin.advance(days=1)
    assert len(receiver.got) == 11
    assert [row["state"] for row in twin.objects("delivery")] == ["failed"]


def test_an_endpoint_made_by_the_api_gets_what_it_asked_for(twin: Twin, stripe: Stripe) -> None:
    with Receiver() as other:
        made = stripe.v1.webhook_endpoints.create(
            {"url": other.url, "enabled_events": ["charge.succeeded"], "api_version": "2026-10-28.endive"}
        )
        assert made.secret is not None
        assert stripe.v1.webhook_endpoints.retrieve(made.id).to_dict().get("secret") is None
        card = a_saved_card(stripe, "pm_card_visa")
        charge(stripe, card)
        twin.settle()
        got = [Webhook.construct_event(body, sign, made.secret).type for body, sign in other.got]
        assert got == ["charge.succeeded"]
        stripe.v1.webhook_endpoints.update(made.id, {"disabled": True})
        charge(stripe, card)
        twin.settle()
        assert len(other.got) == 1
        stripe.v1.webhook_endpoints.delete(made.id)
        assert made.id not in [one.id for one in stripe.v1.webhook_endpoints.list().data]


def test_doubled_dropped_and_delayed(twin: Twin, stripe: Stripe, receiver: Receiver) -> None:
    twin.trouble(
        {"effect": "double", "type": "charge.succeeded", "copies": 5},
        {"effect": "drop", "type": "payment_intent.created"},
        {"effect": "delay", "type": "payment_intent.succeeded", "seconds": 86400},
    )
    charge(stripe, a_saved_card(stripe, "pm_card_visa"))
    twin.settle()
    assert receiver.types().count("charge.succeeded") == 5
    assert not {"payment_intent.created", "payment_intent.succeeded"} & set(receiver.types())
    twin.advance(days=1)
    twin.settle()
    assert receiver.types().count("payment_intent.succeeded") == 1


def test_out_of_order(twin: Twin, stripe: Stripe, receiver: Receiver) -> None:
    twin.trouble({"effect": "reorder", "type": "customer.*", "window": 3})
    customer = a_customer(stripe)
    stripe.v1.customers.update(customer.id, {"name": "A"})
    assert receiver.got == []
    stripe.v1.customers.update(customer.id, {"name": "B"})
    twin.settle()
    assert sorted(receiver.types()) == ["customer.created", "customer.updated", "customer.updated"]
    sent = [row["event"] for row in twin.objects("delivery")]
    assert len(sent) == 3


def test_an_old_event_is_sent_again(twin: Twin, stripe: Stripe, receiver: Receiver) -> None:
    a_customer(stripe)
    twin.settle()
    twin.resend(twin.events()[0]["id"], copies=4)
    twin.settle()
    assert len(receiver.got) == 5


def test_nobody_listens(twin: Twin, stripe: Stripe) -> None:
    twin.add_webhook("http://127.0.0.1:9/none", "whsec_none")
    a_customer(stripe)
    twin.settle()
    states = {row["state"] for row in twin.objects("delivery")}
    assert states == {"succeeded", "pending"}


def test_events_are_kept_for_thirty_days(twin: Twin, stripe: Stripe, receiver: Receiver) -> None:
    a_customer(stripe)
    twin.settle()
    twin.advance(days=30)
    assert len(twin.events()) == 1
    twin.advance(seconds=1)
    assert twin.events() == []
    assert twin.objects("delivery") == []
