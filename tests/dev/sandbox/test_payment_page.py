"""Checkout in payment mode, for a person and for the official SDK."""

import re
from typing import Any

import pytest
from stripe import InvalidRequestError

from tests.dev.sandbox.stripe_calls import BACK, Stripe, a_customer, a_saved_card, charge, error_of
from tests.support.sandbox import Sandbox


def a_sale(stripe: Stripe, **fields: Any) -> Any:
    """A page for R75.00 that saves the card."""
    price = {"currency": "zar", "unit_amount": 7500, "product_data": {"name": "One month (incl. 15% VAT)"}}
    asked: Any = {
        "mode": "payment",
        "line_items": [{"price_data": price, "quantity": 1}],
        "allowed_payment_method_types": ["card"],
        "payment_intent_data": {"setup_future_usage": "off_session", "metadata": {"attempt": "att_1"}},
        "success_url": BACK,
        "cancel_url": BACK,
        **fields,
    }
    return stripe.v1.checkout.sessions.create(asked)


def text(sandbox: Sandbox, page: str) -> str:
    return re.sub(r"<[^>]+>|\s+", " ", sandbox.http.get(page).text)


def test_it_says_what_is_paid_and_takes_it_once(sandbox: Sandbox, stripe: Stripe) -> None:
    owner = a_customer(stripe).id
    sale = a_sale(stripe, customer=owner)
    assert (sale.payment_intent, sale.payment_status, sale.amount_total) == (None, "unpaid", 7500)
    assert "One month (incl. 15% VAT)" in text(sandbox, sale.url)
    assert "Pay R75.00" in text(sandbox, sale.url)
    assert sandbox.fill_in(sale.url).startswith(BACK)
    done = stripe.v1.checkout.sessions.retrieve(sale.id, {"expand": ["payment_intent.latest_charge"]})
    assert (done.status, done.payment_status) == ("complete", "paid")
    intent: Any = done.payment_intent
    assert (intent.status, intent.metadata["attempt"], intent.setup_future_usage) == (
        "succeeded",
        "att_1",
        "off_session",
    )
    assert "has been paid" in text(sandbox, sale.url)
    sandbox.fill_in(sale.url)
    assert len(sandbox.charges()) == 1
    kept = stripe.v1.payment_methods.retrieve(intent.payment_method)
    assert kept.customer == owner
    assert charge(stripe, kept).status == "succeeded", "the card is good for charges without its owner"


@pytest.mark.parametrize(("number", "passes"), [("4000002500003155", True), ("4000002760003184", True)])
def test_three_d_secure_is_asked_and_pays(
    sandbox: Sandbox, stripe: Stripe, number: str, passes: bool
) -> None:
    sale = a_sale(stripe, customer=a_customer(stripe).id)
    assert "refused=authentication" in sandbox.fill_in(sale.url, number, pass_check=False)
    assert "unable to authenticate" in text(sandbox, f"{sale.url}?refused=authentication")
    assert stripe.v1.checkout.sessions.retrieve(sale.id).status == "open"
    assert sandbox.fill_in(sale.url, number).startswith(BACK)
    assert [row["status"] for row in sandbox.charges()] == ["succeeded"]
    assert len(sandbox.objects("payment_intent")) == 1, "one sale is one intent, however often it is tried"


def test_after_three_d_secure_the_bank_may_still_refuse(sandbox: Sandbox, stripe: Stripe) -> None:
    sale = a_sale(stripe, customer=a_customer(stripe).id)
    assert "refused=card" in sandbox.fill_in(sale.url, "4000008260003178")
    assert "insufficient funds" in text(sandbox, f"{sale.url}?refused=card")
    assert sandbox.fill_in(sale.url).startswith(BACK), "another card on the same page"
    assert [row["status"] for row in sandbox.charges()] == ["succeeded", "failed"]


def test_saved_cards_are_offered_where_they_are_asked_for(sandbox: Sandbox, stripe: Stripe) -> None:
    owner = a_customer(stripe).id
    card = a_saved_card(stripe, "pm_card_mastercard", owner)
    assert 'name="kept"' not in sandbox.http.get(a_sale(stripe, customer=owner).url).text
    filters = {"allow_redisplay_filters": ["always", "limited", "unspecified"]}
    sale = a_sale(stripe, customer=owner, saved_payment_method_options=filters)
    assert "Pay with Mastercard ending in 4444" in text(sandbox, sale.url)
    assert sandbox.pay_kept(sale.url).startswith(BACK)
    assert [row["payment_method"] for row in sandbox.charges()] == [card.id]


def test_a_page_that_was_closed_takes_no_money(sandbox: Sandbox, stripe: Stripe) -> None:
    sale = a_sale(stripe, customer=a_customer(stripe).id)
    sandbox.fill_in(sale.url, "4000000000000002")
    stripe.v1.checkout.sessions.expire(sale.id)
    sandbox.fill_in(sale.url)
    assert [row["status"] for row in sandbox.charges()] == ["failed"]
    assert [row["status"] for row in sandbox.objects("payment_intent")] == ["canceled"]


@pytest.mark.parametrize(
    ("fields", "about"),
    [
        ({"line_items": None}, "line_items"),
        ({"setup_intent_data": {"metadata": {"a": "b"}}}, "setup_intent_data"),
        ({"mode": "setup", "currency": "zar"}, "line_items"),
        ({"saved_payment_method_options": {"allow_redisplay_filters": ["never"]}}, "allow_redisplay"),
    ],
)
def test_a_sale_that_makes_no_sense_is_refused(stripe: Stripe, fields: dict[str, Any], about: str) -> None:
    with pytest.raises(InvalidRequestError) as refused:
        a_sale(stripe, **fields)
    assert about in error_of(refused).param


def test_the_network_replaces_a_card(sandbox: Sandbox, stripe: Stripe) -> None:
    card = a_saved_card(stripe, "pm_card_chargeCustomerFail")
    sandbox.decline(card.id, "expired_card")
    sandbox.replace(card.id, exp_month=7, exp_year=2099, number="5555555555554444")
    renewed = stripe.v1.payment_methods.retrieve(card.id)
    assert renewed.card is not None
    assert (renewed.card.last4, renewed.card.exp_month, renewed.card.exp_year) == ("4444", 7, 2099)
    assert renewed.card.fingerprint != card.card.fingerprint
    (event,) = [
        event for event in sandbox.events() if event["type"] == "payment_method.automatically_updated"
    ]
    assert event["data"]["previous_attributes"]["card"]["last4"] == "0341"
    assert charge(stripe, renewed).status == "succeeded"
    assert "Replace the card ending in 4444" in sandbox.http.get("/_sandbox").text
