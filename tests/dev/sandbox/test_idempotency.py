"""Once execution has begun, the first answer is repeated: success, decline or failure."""

import threading

import pytest
from stripe import APIError, CardError, IdempotencyError, InvalidRequestError

from tests.dev.sandbox.stripe_calls import Stripe, a_customer, a_saved_card, charge, error_of
from tests.support.sandbox import Sandbox


def test_a_repeat_answers_the_same_and_charges_once(sandbox: Sandbox, stripe: Stripe) -> None:
    card = a_saved_card(stripe, "pm_card_visa")
    first = charge(stripe, card, "invoice-1-attempt-1")
    again = charge(stripe, card, "invoice-1-attempt-1")
    assert again.to_dict() == first.to_dict()
    headers = again.last_response.headers
    assert headers["Idempotent-Replayed"] == "true"
    assert headers["Original-Request"] == first.last_response.headers["Request-Id"]
    assert len(sandbox.charges()) == 1


def test_a_decline_is_final_for_its_key(sandbox: Sandbox, stripe: Stripe) -> None:
    card = a_saved_card(stripe, "pm_card_chargeCustomerFail")
    errors = []
    for _ in range(2):
        with pytest.raises(CardError) as refused:
            charge(stripe, card, "invoice-1-attempt-1")
        errors.append(refused.value.json_body)
    assert errors[0] == errors[1]
    assert len(sandbox.charges()) == 1


@pytest.mark.parametrize(("effect", "charged"), [("500_before", 0), ("500_after", 1)])
def test_a_failure_of_stripe_is_replayed_too(
    sandbox: Sandbox, stripe: Stripe, effect: str, charged: int
) -> None:
    card = a_saved_card(stripe, "pm_card_visa")
    sandbox.faults({"effect": effect, "method": "POST", "path": "/v1/payment_intents"})
    for _ in range(2):
        with pytest.raises(APIError):
            charge(stripe, card, "invoice-1-attempt-1")
    assert len(sandbox.charges()) == charged
    assert charge(stripe, card, "invoice-1-attempt-2").status == "succeeded"


def test_another_request_under_the_same_key_is_refused(sandbox: Sandbox, stripe: Stripe) -> None:
    card = a_saved_card(stripe, "pm_card_visa")
    charge(stripe, card, "key")
    with pytest.raises(IdempotencyError, match="same parameters") as refused:
        charge(stripe, card, "key", amount=8000)
    assert refused.value.http_status == 400
    with pytest.raises(IdempotencyError):
        stripe.v1.customers.create({}, {"idempotency_key": "key"})
    assert len(sandbox.charges()) == 1


def test_what_failed_validation_was_never_stored(stripe: Stripe) -> None:
    with pytest.raises(InvalidRequestError):
        stripe.v1.customers.create({"nonsense": "1"}, {"idempotency_key": "key"})
    assert stripe.v1.customers.create({"name": "Thandi"}, {"idempotency_key": "key"}).name == "Thandi"


def test_two_at_once_under_one_key_conflict(sandbox: Sandbox, stripe: Stripe) -> None:
    card = a_saved_card(stripe, "pm_card_visa")
    sandbox.faults({"effect": "slow", "method": "POST", "path": "/v1/payment_intents", "seconds": 60})
    slow: list[str] = []
    thread = threading.Thread(target=lambda: slow.append(charge(sandbox.client(), card, "key").status))
    thread.start()
    while not any(rule["hit"] for rule in sandbox.http.get("/_sandbox/faults").json()["faults"]):
        pass
    with pytest.raises(APIError, match="in-progress request") as refused:
        charge(stripe, card, "key")
    sandbox.faults()
    thread.join()
    assert (refused.value.http_status, error_of(refused).code) == (409, "idempotency_key_in_use")
    assert slow == ["succeeded"]
    assert len(sandbox.charges()) == 1


def test_a_key_is_forgotten_after_a_day(sandbox: Sandbox, stripe: Stripe) -> None:
    sandbox.set_clock(sandbox.now)
    card = a_saved_card(stripe, "pm_card_visa")
    charge(stripe, card, "key")
    sandbox.advance(hours=23)
    charge(stripe, card, "key")
    assert len(sandbox.charges()) == 1
    sandbox.advance(hours=1)
    charge(stripe, card, "key")
    assert len(sandbox.charges()) == 2


def test_a_key_may_have_255_characters(stripe: Stripe) -> None:
    a_customer(stripe)
    stripe.v1.customers.create({}, {"idempotency_key": "k" * 255})
    with pytest.raises(InvalidRequestError, match="255"):
        stripe.v1.customers.create({}, {"idempotency_key": "k" * 256})
