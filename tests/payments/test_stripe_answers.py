"""How Stripe's answers read where they lack what was asked for, or say what no example says."""

from typing import Any

import pytest
import stripe

from billing.payments import stripe_answers, stripe_errors, stripe_pages
from billing.payments.gateway import Charged, Declined, Unknown
from billing.rules import dunning

ERRORS: Any = stripe
"""The library's errors, whose constructors have no types."""
CHARGE = {
    "id": "ch_1",
    "created": 1_800_000_000,
    "payment_method": "pm_1",
    "payment_method_details": {"card": {"network_transaction_id": "123456789012345"}},
}


def intent(status: str, **more: Any) -> dict[str, Any]:
    return {"id": "pi_1", "status": status, "amount_received": 7500, "latest_charge": CHARGE, **more}


def test_an_intent_that_succeeded_is_a_charge() -> None:
    assert isinstance(stripe_answers.outcome(intent("succeeded")), Charged)


@pytest.mark.parametrize("charge", ["ch_1", None])
def test_money_that_was_taken_is_never_a_refusal(charge: str | None) -> None:
    """The charge wasn't expanded, or isn't there yet: who took that for a decline would charge again."""
    assert isinstance(stripe_answers.outcome(intent("succeeded", latest_charge=charge)), Unknown)


@pytest.mark.parametrize(
    "status", ["processing", "requires_confirmation", "requires_capture", "something_new"]
)
def test_what_may_still_become_a_charge_is_doubt(status: str) -> None:
    assert isinstance(stripe_answers.outcome(intent(status, latest_charge=None)), Unknown)


def test_an_intent_that_waits_for_its_owner_asks_for_the_owner() -> None:
    outcome = stripe_answers.outcome(intent("requires_action", latest_charge=None, last_payment_error=None))
    assert isinstance(outcome, Declined)
    assert dunning.kind_of(outcome.evidence) is dunning.Kind.NEEDS_READER


@pytest.mark.parametrize("found", ["pi_1", None])
def test_a_page_whose_intent_is_not_expanded_is_doubt(found: str | None) -> None:
    assert isinstance(stripe_pages.paid({"payment_intent": found, "payment_status": "paid"}), Unknown)


@pytest.mark.parametrize(
    ("error", "down"),
    [
        (ERRORS.APIConnectionError("no line"), True),
        (ERRORS.APIError("Invalid response body from API", http_status=200), True),
        (ERRORS.APIError("An unknown error occurred", http_status=500), True),
        (ERRORS.AuthenticationError("Invalid API Key", http_status=401), True),
        (ERRORS.PermissionError("no rights", http_status=403), True),
        (
            ERRORS.APIError("another in-progress request", http_status=409, code="idempotency_key_in_use"),
            False,
        ),
        (ERRORS.IdempotencyError("other parameters", http_status=400), False),
        (ERRORS.InvalidRequestError("no", None, http_status=404), False),
        (ERRORS.RateLimitError("too many", http_status=429), False),
    ],
    ids=lambda one: (
        f"{type(one).__name__} {one.http_status}" if isinstance(one, stripe.StripeError) else str(one)
    ),
)
def test_only_silence_errors_of_its_own_and_unknown_keys_mean_that_stripe_is_away(
    error: stripe.StripeError, down: bool
) -> None:
    assert stripe_errors.unknown(error).down is down
