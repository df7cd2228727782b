"""Reading Stripe's answers that lack requested fields, or have undocumented values."""

from typing import Any

import pytest
import stripe

from billing.acquirer.answers import CardGone, Charged, Declined, RefundRefused, Unknown
from billing.acquirer.balance_port import DisputeState
from billing.acquirer.stripe import answers, balance, errors, pages
from billing.rules.dunning import DeclineKind

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
    assert isinstance(answers.outcome(intent("succeeded")), Charged)


@pytest.mark.parametrize("charge", ["ch_1", None])
def test_money_that_was_taken_is_never_a_refusal(charge: str | None) -> None:
    """The charge wasn't expanded, or doesn't exist yet. Taken for a decline, it would be charged again."""
    assert isinstance(answers.outcome(intent("succeeded", latest_charge=charge)), Unknown)


@pytest.mark.parametrize(
    "status", ["processing", "requires_confirmation", "requires_capture", "something_new"]
)
def test_what_may_still_become_a_charge_is_doubt(status: str) -> None:
    assert isinstance(answers.outcome(intent(status, latest_charge=None)), Unknown)


def test_an_intent_that_waits_for_its_owner_asks_for_the_owner() -> None:
    outcome = answers.outcome(intent("requires_action", latest_charge=None, last_payment_error=None))
    assert isinstance(outcome, Declined)
    assert outcome.decline.kind is DeclineKind.NEEDS_READER


@pytest.mark.parametrize("found", ["pi_1", None])
def test_a_page_whose_intent_is_not_expanded_is_doubt(found: str | None) -> None:
    assert isinstance(pages.paid({"payment_intent": found, "payment_status": "paid"}), Unknown)


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
    assert errors.unknown(error).down is down


PAID_CARD = {"brand": "visa", "last4": "4242", "exp_month": 3, "exp_year": 2030, "fingerprint": "f"}


def paid_on_a_page(**charge: Any) -> Charged:
    used = {"payment_method_details": {"card": PAID_CARD}, **charge}
    found = answers.outcome(
        intent("succeeded", setup_future_usage="off_session", customer="cus_1", latest_charge=CHARGE | used)
    )
    assert isinstance(found, Charged)
    return found


def test_a_card_of_which_stripe_says_little_is_kept_with_what_it_says() -> None:
    """Brand and last four digits may be null in a charge, and so may be its PaymentMethod."""
    card = paid_on_a_page(payment_method_details={"card": PAID_CARD | {"brand": None, "last4": None}}).card
    assert card is not None
    assert (card.brand, card.last4) == ("card", "????")
    assert paid_on_a_page(payment_method=None).card is None


@pytest.mark.parametrize("kind", [{"type": "link", "link": {}}, {"type": "card", "card": None}])
def test_a_payment_method_that_is_no_card_is_none_of_ours(kind: dict[str, Any]) -> None:
    assert answers.card({"id": "pm_1", "customer": "cus_1", **kind}) == CardGone()


DISPUTE = {
    "id": "du_1",
    "charge": "ch_1",
    "payment_intent": None,
    "amount": 7500,
    "currency": "zar",
    "reason": "a_reason_of_tomorrow",
    "status": "needs_response",
    "created": 1_800_000_000,
    "evidence_details": None,
}


@pytest.mark.parametrize(
    ("status", "state", "inquiry"),
    [("won", DisputeState.WON, False), ("warning_of_tomorrow", DisputeState.NEEDS_ANSWER, True),
     ("state_of_tomorrow", DisputeState.NEEDS_ANSWER, False)],
)  # fmt: skip
def test_a_state_of_a_dispute_that_nobody_knows_is_the_worst_of_them(
    status: str, state: DisputeState, inquiry: bool
) -> None:
    found = balance._dispute(DISPUTE | {"status": status, "charge": {"id": "ch_1"}})
    assert (found.state, found.inquiry, found.charge_ref, found.answer_by) == (state, inquiry, "ch_1", None)


def test_a_refund_without_a_charge_is_of_no_charge() -> None:
    row = {
        "id": "re_1",
        "charge": None,
        "amount": 1,
        "created": 1_800_000_000,
        "metadata": None,
        "status": "x",
    }
    found = balance._refund(row)
    assert (found.charge_ref, found.answer.state, found.our_refund_id) == ("", "pending", None)


@pytest.mark.parametrize("source", [None, "fee_1", {"id": "fee_1", "object": "application_fee_refund"}])
def test_a_movement_of_something_without_an_amount_is_read(source: Any) -> None:
    row = {"id": "txn_1", "reporting_category": "fee", "source": source, "amount": -5, "fee": 0, "net": -5, "currency": "usd",
           "exchange_rate": 0.05, "description": None, "created": 1_800_000_000, "available_on": 1_800_000_000}  # fmt: skip
    found = balance._movement(row)
    assert (found.source_ref, found.presented_amount, found.presented_currency) == (
        "fee_1" if source else None, None, None
    )  # fmt: skip


@pytest.mark.parametrize(
    "error",
    [ERRORS.InvalidRequestError("no", None), ERRORS.CardError("no", None, None)],
    ids=lambda one: type(one).__name__,
)
def test_a_refusal_without_a_body_is_a_refusal(error: stripe.StripeError) -> None:
    assert answers.no_refund(error.json_body) == RefundRefused("refused")


@pytest.mark.parametrize(
    ("error", "missing"),
    [
        (ERRORS.InvalidRequestError("no", "intent", code="resource_missing", http_status=404), True),
        (ERRORS.InvalidRequestError("no", "customer", code="resource_missing", http_status=400), True),
        (ERRORS.InvalidRequestError("no", None, http_status=404), True),
        (ERRORS.InvalidRequestError("no", None, code="another_one", http_status=404), False),
        (ERRORS.InvalidRequestError("no", None, http_status=400), False),
        (ERRORS.PermissionError("no", http_status=403), False),
    ],
)
def test_what_is_missing_is_told_by_its_code_or_its_status(error: stripe.StripeError, missing: bool) -> None:
    assert errors.missing(error) is missing
