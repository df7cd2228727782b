"""The exact bodies of refusals that the gateway must tell apart. Where Stripe gives no code and no param, the sandbox
gives none either. The sandbox names the source beside each answer.
"""

from collections.abc import Callable
from typing import Any

import pytest
from stripe import InvalidRequestError

from tests.dev.sandbox.stripe_calls import Stripe, a_customer, a_saved_card, charge
from tests.support.sandbox import Sandbox

REUSED = (
    "The provided PaymentMethod was previously used with a PaymentIntent without Customer attachment, shared with a connected"
    " account without Customer attachment, or was detached from a Customer. It may not be used again. To use a PaymentMethod"
    " multiple times, you must attach it to a Customer first."
)


def body(refused: pytest.ExceptionInfo[InvalidRequestError]) -> dict[str, Any]:
    """The error without Stripe's internal fields."""
    answer: Any = refused.value.json_body
    error = dict(answer["error"])
    error.pop("request_log_url")
    error.pop("doc_url", None)
    return error | {"status": refused.value.http_status}


def refusal(message: str, **more: str) -> dict[str, Any]:
    return {"message": message, "type": "invalid_request_error", "status": 400, **more}


def test_a_detached_card_is_refused_without_code_or_param(stripe: Stripe) -> None:
    card = a_saved_card(stripe, "pm_card_visa")
    stripe.v1.payment_methods.detach(card.id)
    with pytest.raises(InvalidRequestError) as refused:
        charge(stripe, card)
    assert body(refused) == refusal(REUSED)
    with pytest.raises(InvalidRequestError) as refused:
        stripe.v1.setup_intents.create(
            {"customer": card.customer, "payment_method": card.id, "confirm": True}
        )
    assert body(refused) == refusal(REUSED)
    with pytest.raises(InvalidRequestError) as refused:
        stripe.v1.payment_methods.attach(card.id, {"customer": card.customer})
    assert body(refused) == refusal(
        "This PaymentMethod was previously used without being attached to a Customer or was detached from a Customer, and may"
        " not be used again."
    )
    with pytest.raises(InvalidRequestError) as refused:
        stripe.v1.payment_methods.detach(card.id)
    assert body(refused) == refusal(
        "The payment method you provided is not attached to a customer so detachment is impossible."
    )


def test_a_card_that_paid_without_a_customer_is_used_up(stripe: Stripe) -> None:
    card = stripe.v1.payment_methods.create({"type": "card", "card": {"token": "tok_visa"}})
    asked = {"amount": 7500, "currency": "zar", "payment_method": card.id, "confirm": True}
    assert stripe.v1.payment_intents.create(asked).status == "succeeded"
    with pytest.raises(InvalidRequestError) as refused:
        stripe.v1.payment_intents.create(asked)
    assert body(refused) == refusal(REUSED)


def test_a_card_of_another_customer_names_the_parameter_and_no_code(stripe: Stripe) -> None:
    card, other = a_saved_card(stripe, "pm_card_visa"), a_customer(stripe).id
    words = (
        f"The PaymentMethod {card.id} does not belong to the Customer you supplied {other}. Please use this PaymentMethod with"
        " the Customer that it belongs to instead."
    )
    with pytest.raises(InvalidRequestError) as refused:
        charge(stripe, card, customer=other)
    assert body(refused) == refusal(words, param="payment_method")
    with pytest.raises(InvalidRequestError) as refused:
        stripe.v1.setup_intents.create({"customer": other, "payment_method": card.id})
    assert body(refused) == refusal(words, param="payment_method")
    with pytest.raises(InvalidRequestError) as refused:
        stripe.v1.payment_intents.create(
            {"amount": 7500, "currency": "zar", "payment_method": card.id, "confirm": True}
        )
    assert body(refused) == refusal(
        f"The `payment_method` parameter supplied {card.id} belongs to the Customer {card.customer}. Please include the"
        " Customer in the `customer` parameter on the PaymentIntent.",
        param="source",
        code="parameter_missing",
    )


def test_a_deleted_customer_is_missing_wherever_it_is_named(sandbox: Sandbox, stripe: Stripe) -> None:
    card = a_saved_card(stripe, "pm_card_visa")
    stripe.v1.customers.delete(card.customer)
    assert stripe.v1.customers.retrieve(card.customer).to_dict() == {
        "id": card.customer,
        "object": "customer",
        "deleted": True,
    }
    missing = refusal(f"No such customer: '{card.customer}'", code="resource_missing", param="customer")
    session = {"mode": "setup", "currency": "zar", "success_url": "https://example.com"}
    asks: list[Callable[[], Any]] = [
        lambda: charge(stripe, card),
        lambda: stripe.v1.checkout.sessions.create({**session, "customer": card.customer}),
        lambda: stripe.v1.setup_intents.create({"customer": card.customer}),
        lambda: stripe.v1.payment_methods.list({"customer": card.customer}),
        lambda: stripe.v1.payment_intents.list({"customer": card.customer}),
    ]
    for ask in asks:
        with pytest.raises(InvalidRequestError) as refused:
            ask()
        assert body(refused) == missing
    kinds = [one["type"] for one in sandbox.events()]
    assert "customer.deleted" in kinds
    assert "payment_method.detached" not in kinds, "nothing promises one"


def test_an_account_that_may_not_charge_says_so_in_words_alone(sandbox: Sandbox, stripe: Stripe) -> None:
    card, other = a_saved_card(stripe, "pm_card_visa"), a_saved_card(stripe, "pm_card_mastercard")
    sandbox.banks("restrict", payment_method=card.id)
    with pytest.raises(InvalidRequestError, match="cannot currently make live charges") as refused:
        charge(stripe, card)
    assert set(body(refused)) == {"message", "type", "status"}
    assert charge(stripe, other).status == "succeeded"
    assert len(stripe.v1.payment_intents.list({"customer": card.customer}).data) == 0
    sandbox.banks("restrict")
    with pytest.raises(InvalidRequestError):
        charge(stripe, other)
    sandbox.banks("restrict", off=True)
    assert charge(stripe, card).status == "succeeded"
    page = sandbox.http.get("/_sandbox").text
    for words in ("Make no charges", "Make them again", ">Remove<", ">Delete<"):
        assert words in page
    form = {"do": "restrict"}
    assert sandbox.http.post("/_sandbox/banks", data=form).status_code == 303
    with pytest.raises(InvalidRequestError):
        charge(stripe, card)
    assert sandbox.http.post("/_sandbox/banks", data=form | {"off": "yes"}).status_code == 303
    sandbox.banks("restrict", times=2)
    for _ in range(2):
        with pytest.raises(InvalidRequestError):
            charge(stripe, card)
    assert charge(stripe, card).status == "succeeded"
    assert sandbox.http.post("/_sandbox/banks", json={"do": "restrict", "times": 0}).status_code == 400
    for nothing in (
        {"do": "remove_card", "payment_method": "pm_x"},
        {"do": "delete_customer", "customer": "cus_x"},
    ):
        assert sandbox.http.post("/_sandbox/banks", json=nothing).status_code == 400


def test_a_card_from_a_wallet_has_no_fingerprint(stripe: Stripe) -> None:
    card = a_saved_card(stripe, "pm_card_wallet")
    assert (card.card.fingerprint, card.card.wallet.type) == (None, "google_pay")
    used = charge(stripe, card, expand=["latest_charge"]).latest_charge.payment_method_details.card
    assert (used.fingerprint, used.wallet.type) == (None, "google_pay")


def test_a_charge_may_wait_for_a_person_although_nobody_is_there(sandbox: Sandbox, stripe: Stripe) -> None:
    card = a_saved_card(stripe, "pm_card_visa")
    sandbox.decline(card.id, "requires_action")
    waiting = charge(stripe, card)
    assert (waiting.status, waiting.latest_charge, waiting.last_payment_error) == (
        "requires_action",
        None,
        None,
    )
    sandbox.decline(card.id, None)
    assert charge(stripe, card).status == "succeeded"
