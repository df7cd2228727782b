"""Customers, PaymentMethods, SetupIntents and Checkout Sessions through the SDK."""

import pytest
from stripe import InvalidRequestError

from tests.dev.sandbox.stripe_calls import Stripe, a_customer, a_saved_card, a_session, charge
from tests.support.sandbox import Sandbox


def test_a_customer_is_created_changed_and_deleted(stripe: Stripe) -> None:
    customer = a_customer(stripe, name="Thandi Nkosi", metadata={"reader": "rdr_1", "plan": "monthly"})
    changed = stripe.v1.customers.update(customer.id, {"name": "", "metadata": {"plan": "", "since": "2026"}})
    assert changed.name is None
    assert changed.metadata.to_dict() == {"reader": "rdr_1", "since": "2026"}
    assert stripe.v1.customers.retrieve(customer.id).email == "thandi@example.com"
    assert stripe.v1.customers.delete(customer.id).deleted is True
    assert stripe.v1.customers.retrieve(customer.id).deleted is True
    with pytest.raises(InvalidRequestError, match="No such customer"):
        stripe.v1.customers.update(customer.id, {"name": "Again"})
    assert stripe.v1.customers.list().data == []


def test_deleting_a_customer_detaches_the_cards(stripe: Stripe) -> None:
    card = a_saved_card(stripe, "pm_card_visa")
    stripe.v1.customers.delete(card.customer)
    assert stripe.v1.payment_methods.retrieve(card.id).customer is None


def test_a_default_card_must_belong_to_the_customer(stripe: Stripe) -> None:
    card = a_saved_card(stripe, "pm_card_visa")
    settings = {"invoice_settings": {"default_payment_method": card.id}}
    owner = stripe.v1.customers.update(card.customer, settings)
    assert owner.invoice_settings.default_payment_method == card.id
    with pytest.raises(InvalidRequestError, match="must be attached"):
        stripe.v1.customers.update(a_customer(stripe).id, settings)
    stripe.v1.payment_methods.detach(card.id)
    assert stripe.v1.customers.retrieve(card.customer).invoice_settings.default_payment_method is None


def test_a_detached_card_is_gone_for_good(stripe: Stripe) -> None:
    card = a_saved_card(stripe, "pm_card_visa")
    stripe.v1.payment_methods.detach(card.id)
    with pytest.raises(InvalidRequestError, match="may not be used again"):
        stripe.v1.payment_methods.attach(card.id, {"customer": a_customer(stripe).id})
    with pytest.raises(InvalidRequestError, match="may not be used again"):
        charge(stripe, card)
    with pytest.raises(InvalidRequestError, match="not attached"):
        stripe.v1.payment_methods.detach(card.id)


def test_a_token_makes_a_payment_method_and_a_number_is_refused(stripe: Stripe) -> None:
    made = stripe.v1.payment_methods.create({"type": "card", "card": {"token": "tok_visa"}})
    assert made.card is not None
    assert made.card.last4 == "4242"
    changed = stripe.v1.payment_methods.attach(made.id, {"customer": a_customer(stripe).id})
    changed = stripe.v1.payment_methods.update(changed.id, {"card": {"exp_month": 3, "exp_year": 2031}})
    assert changed.card is not None
    assert (changed.card.exp_month, changed.card.exp_year) == (3, 2031)
    with pytest.raises(InvalidRequestError, match="generally unsafe"):
        stripe.v1.payment_methods.create(
            {
                "type": "card",
                "card": {"number": "4242424242424242", "exp_month": 1, "exp_year": 2031, "cvc": "123"},
            }
        )


def test_a_setup_intent_is_confirmed_later_or_canceled(stripe: Stripe) -> None:
    customer = a_customer(stripe)
    options = {"card": {"request_three_d_secure": "any", "setup_credential_usage": "recurring"}}
    intent = stripe.v1.setup_intents.create(
        {"customer": customer.id, "usage": "off_session", "payment_method_options": options}
    )
    assert intent.status == "requires_payment_method"
    with pytest.raises(InvalidRequestError, match="missing a payment method"):
        stripe.v1.setup_intents.confirm(intent.id)
    assert (
        stripe.v1.setup_intents.confirm(intent.id, {"payment_method": "pm_card_visa"}).status == "succeeded"
    )
    with pytest.raises(InvalidRequestError, match="status of succeeded"):
        stripe.v1.setup_intents.cancel(intent.id)
    other = stripe.v1.setup_intents.create({"customer": customer.id})
    assert stripe.v1.setup_intents.cancel(other.id, {"cancellation_reason": "abandoned"}).status == "canceled"
    assert [one.id for one in stripe.v1.setup_intents.list({"customer": customer.id}).data] == [
        other.id,
        intent.id,
    ]


def test_a_checkout_session_saves_the_card_and_leads_back(sandbox: Sandbox, stripe: Stripe) -> None:
    customer = a_customer(stripe)
    session = a_session(stripe, customer=customer.id, metadata={"reader": "rdr_1"})
    assert session.url is not None
    assert sandbox.fill_in(session.url) == f"https://masthead.example/done?session={session.id}"
    done = stripe.v1.checkout.sessions.retrieve(
        session.id, {"expand": ["setup_intent.payment_method", "customer"]}
    )
    assert (done.status, done.url) == ("complete", None)
    assert done.customer_details.email == "thandi@example.com"
    card = done.setup_intent.payment_method
    assert card.customer == customer.id
    assert charge(stripe, card).status == "succeeded"


def test_a_session_without_a_customer_can_make_one(sandbox: Sandbox, stripe: Stripe) -> None:
    session = a_session(stripe, customer_creation="always")
    assert session.url is not None
    sandbox.fill_in(session.url)
    done = stripe.v1.checkout.sessions.retrieve(session.id, {"expand": ["customer"]})
    assert done.customer.email == "t.dlamini@example.com"


def test_an_expired_session_takes_no_card(sandbox: Sandbox, stripe: Stripe) -> None:
    session = a_session(stripe)
    assert session.url is not None
    assert stripe.v1.checkout.sessions.expire(session.id).status == "expired"
    assert sandbox.http.get(session.url).status_code == 410
    assert sandbox.fill_in(session.url) == session.url
    with pytest.raises(InvalidRequestError, match="can be expired"):
        stripe.v1.checkout.sessions.expire(session.id)
    assert [one.id for one in stripe.v1.checkout.sessions.list({"status": "expired"}).data] == [session.id]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"success_url": "nowhere"}, "Not a valid URL"),
        ({"expires_at": 1}, "at least 30 minutes"),
        ({"customer": "cus_nobody"}, "No such customer"),
        ({"mode": "payment"}, "line_items"),
        ({"mode": "subscription"}, "setup and payment mode only"),
        ({"currency": "xyz"}, "Invalid currency"),
        ({"expand": ["setup_intent.nonsense"]}, "cannot be expanded"),
    ],
)
def test_a_session_that_makes_no_sense_is_refused(
    stripe: Stripe, fields: dict[str, object], message: str
) -> None:
    with pytest.raises(InvalidRequestError, match=message):
        a_session(stripe, **fields)
    assert stripe.v1.checkout.sessions.list().data == []
