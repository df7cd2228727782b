"""Each test card behaves as Stripe's, with the same error codes."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stripe import CardError

from billing.dev.sandbox.cards import CARDS, find, named, passes_luhn
from tests.dev.sandbox.stripe_calls import Stripe, a_customer, a_saved_card, charge, error_of
from tests.support.sandbox import Sandbox

REFUSED_AT_SETUP = [
    ("pm_card_chargeDeclined", "card_declined", "generic_decline", "try_again_later", "01"),
    (
        "pm_card_chargeDeclinedInsufficientFunds",
        "card_declined",
        "insufficient_funds",
        "try_again_later",
        "51",
    ),
    ("pm_card_visa_chargeDeclinedLostCard", "card_declined", "lost_card", "do_not_try_again", "41"),
    ("pm_card_visa_chargeDeclinedStolenCard", "card_declined", "stolen_card", "do_not_try_again", "43"),
    ("pm_card_chargeDeclinedExpiredCard", "expired_card", "expired_card", "do_not_try_again", "54"),
    ("pm_card_chargeDeclinedIncorrectCvc", "incorrect_cvc", "incorrect_cvc", "confirm_card_data", "N7"),
    (
        "pm_card_chargeDeclinedProcessingError",
        "processing_error",
        "processing_error",
        "try_again_later",
        "96",
    ),
]


@pytest.mark.parametrize(("name", "code", "decline_code", "advice", "network"), REFUSED_AT_SETUP)
def test_cards_refused_when_they_are_set_up(
    stripe: Stripe, name: str, code: str, decline_code: str, advice: str, network: str
) -> None:
    customer = a_customer(stripe)
    with pytest.raises(CardError) as refused:
        stripe.v1.setup_intents.create({"customer": customer.id, "payment_method": name, "confirm": True})
    error = error_of(refused)
    assert (refused.value.http_status, error.type, error.code) == (402, "card_error", code)
    assert (error.decline_code, error.advice_code, error.network_decline_code) == (
        decline_code,
        advice,
        network,
    )
    assert error.setup_intent.status == "requires_payment_method"
    assert error.setup_intent.last_setup_error.decline_code == decline_code
    assert error.payment_method.card.fingerprint in {card.fingerprint for card in CARDS}
    assert stripe.v1.payment_methods.list({"customer": customer.id}).data == []


@pytest.mark.parametrize("name", [row[0] for row in REFUSED_AT_SETUP])
def test_the_same_cards_cannot_be_attached(stripe: Stripe, name: str) -> None:
    with pytest.raises(CardError):
        stripe.v1.payment_methods.attach(name, {"customer": a_customer(stripe).id})


@pytest.mark.parametrize(
    "name", ["pm_card_visa", "pm_card_mastercard", "pm_card_amex", "pm_card_createDispute"]
)
def test_cards_that_pay(stripe: Stripe, name: str) -> None:
    intent = charge(stripe, a_saved_card(stripe, name), expand=["latest_charge.balance_transaction"])
    paid = intent.latest_charge
    assert intent.status == "succeeded"
    assert paid.outcome.type == "authorized"
    assert paid.payment_method_details.card.network_transaction_id
    transaction = paid.balance_transaction
    assert transaction.net == 7500 - transaction.fee


@pytest.mark.parametrize(
    ("name", "decline_code", "charged_type"),
    [
        ("pm_card_chargeCustomerFail", "generic_decline", "issuer_declined"),
        ("pm_card_radarBlock", "fraudulent", "blocked"),
    ],
)
def test_cards_that_are_saved_and_then_declined(
    stripe: Stripe, name: str, decline_code: str, charged_type: str
) -> None:
    card = a_saved_card(stripe, name)
    with pytest.raises(CardError) as refused:
        charge(stripe, card)
    error = error_of(refused)
    assert (error.code, error.decline_code) == ("card_declined", decline_code)
    assert error.payment_intent.status == "requires_payment_method"
    assert error.payment_intent.latest_charge == error.charge
    assert error.payment_intent.last_payment_error.decline_code == decline_code
    failed = stripe.v1.charges.retrieve(error.charge)
    assert (failed.status, failed.paid, failed.failure_code) == ("failed", False, "card_declined")
    assert failed.outcome is not None
    assert failed.outcome.type == charged_type


def test_3155_asks_once_and_pays_off_session_from_then_on(sandbox: Sandbox, stripe: Stripe) -> None:
    card = _set_up_with_a_person(sandbox, stripe, "pm_card_authenticationRequiredOnSetup")
    assert charge(stripe, card).status == "succeeded"
    unasked = stripe.v1.payment_methods.attach(
        "pm_card_authenticationRequiredOnSetup", {"customer": a_customer(stripe).id}
    )
    with pytest.raises(CardError) as refused:
        charge(stripe, unasked)
    assert refused.value.code == "authentication_required"


def test_3184_asks_every_time(sandbox: Sandbox, stripe: Stripe) -> None:
    card = _set_up_with_a_person(sandbox, stripe, "pm_card_authenticationRequired")
    with pytest.raises(CardError) as refused:
        charge(stripe, card)
    error = error_of(refused)
    assert (error.code, error.decline_code) == ("authentication_required", "authentication_required")
    assert error.payment_intent.status == "requires_payment_method"


def test_3178_authenticates_and_then_has_no_money(sandbox: Sandbox, stripe: Stripe) -> None:
    name = "pm_card_authenticationRequiredChargeDeclinedInsufficientFunds"
    card = _set_up_with_a_person(sandbox, stripe, name)
    with pytest.raises(CardError) as refused:
        charge(stripe, card)
    assert error_of(refused).decline_code == "insufficient_funds"


def _set_up_with_a_person(sandbox: Sandbox, stripe: Stripe, name: str) -> Any:
    customer = a_customer(stripe)
    intent = stripe.v1.setup_intents.create(
        {
            "customer": customer.id,
            "payment_method": name,
            "confirm": True,
            "return_url": "https://masthead.example/back",
        }
    )
    assert intent.status == "requires_action"
    page = intent.next_action.redirect_to_url.url
    back = sandbox.http.post(page, data={"outcome": "complete"}).headers["location"]
    assert back.startswith("https://masthead.example/back?setup_intent=seti_")
    assert back.endswith("redirect_status=succeeded")
    return stripe.v1.payment_methods.list({"customer": customer.id}).data[0]


def test_one_card_has_one_fingerprint_and_a_copy_another(stripe: Stripe) -> None:
    prints = [
        stripe.v1.payment_methods.attach(name, {"customer": a_customer(stripe).id}).card.fingerprint
        for name in (
            "pm_card_visa",
            "pm_card_visa",
            "pm_card_visa__17",
            "pm_card_visa__17",
            "pm_card_visa__18",
        )
    ]
    assert prints[0] == prints[1]
    assert prints[2] == prints[3]
    assert len(set(prints)) == 3


def test_a_card_told_to_decline_does_so_until_told_otherwise(sandbox: Sandbox, stripe: Stripe) -> None:
    card = a_saved_card(stripe, "pm_card_visa")
    sandbox.decline(card.id, "revocation_of_authorization")
    with pytest.raises(CardError) as refused:
        charge(stripe, card)
    assert error_of(refused).network_decline_code == "R1"
    sandbox.decline(card.id, {"decline_code": "insufficient_funds", "network_advice_code": "24"})
    with pytest.raises(CardError) as refused:
        charge(stripe, card)
    assert error_of(refused).network_advice_code == "24"
    sandbox.decline(card.id, None)
    assert charge(stripe, card).status == "succeeded"


def test_every_number_is_well_formed_and_every_name_finds_its_card() -> None:
    for card in CARDS:
        assert passes_luhn(card.number), card
        assert find(card.number) == card
        assert named(f"pm_card_{card.name}") == card
    assert named("pm_card_nobody") is None
    assert find("4242424242424241") is None


@given(st.integers(0, 10**15 - 1), st.integers(0, 9))
def test_exactly_one_check_digit_is_right(body: int, wrong: int) -> None:
    right = [digit for digit in range(10) if passes_luhn(f"{body:015}{digit}")]
    assert len(right) == 1
    assert passes_luhn(f"{body:015}{wrong}") is (wrong == right[0])
