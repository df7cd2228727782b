"""Every way in which a refund can fail, ordered by a program or on the page."""

from typing import Any

import pytest
from stripe import InvalidRequestError

from billing.dev.sandbox.refunds import BEHAVIOURS
from tests.dev.sandbox.stripe_calls import Stripe, a_saved_card, charge
from tests.support.sandbox import Sandbox


@pytest.fixture
def intent(sandbox: Sandbox, stripe: Stripe) -> Any:
    """A charge of R75.00; the clock is held."""
    sandbox.set_clock(sandbox.now)
    return charge(stripe, a_saved_card(stripe, "pm_card_visa"))


def moved(sandbox: Sandbox) -> list[int]:
    """What refunds moved, oldest first."""
    rows = reversed(sandbox.objects("balance_transaction"))
    return [row["amount"] for row in rows if row["reporting_category"].startswith("refund")]


def test_want_of_balance_is_refused_without_a_code_and_the_key_repeats_that(
    sandbox: Sandbox, stripe: Stripe, intent: Any
) -> None:
    sandbox.banks("refunds", **{"as": "no_balance"})
    for _ in range(2):
        with pytest.raises(InvalidRequestError) as refused:
            stripe.v1.refunds.create({"payment_intent": intent.id}, {"idempotency_key": "once"})
        sent: Any = refused.value.json_body
        body = sent["error"]
        assert body["message_code"] == "insufficient_balance_for_refund"
        assert body["message"] == "Insufficient funds in your Stripe balance to refund this amount."
        assert "code" not in body
        sandbox.banks("refunds", **{"as": None})
    assert stripe.v1.refunds.create({"payment_intent": intent.id}).status == "succeeded"


@pytest.mark.parametrize(
    ("way", "at_first", "later", "reason", "moves"),
    [
        ("waits_for_balance", ("pending", "insufficient_funds"), "pending", None, []),
        ("fails_for_balance", ("pending", "insufficient_funds"), "failed", "insufficient_funds", []),
        ("canceled", ("pending", "processing"), "canceled", "merchant_request", [-7500, 7500]),
        ("pending_fails", ("pending", "processing"), "failed", "lost_or_stolen_card", [-7500, 7500]),
        ("asks_reader", ("requires_action", None), "failed", "unknown", [-7500, 7500]),
    ],
)
def test_a_refund_that_waits_moves_no_money_until_the_balance_is_enough(
    sandbox: Sandbox,
    stripe: Stripe,
    intent: Any,
    way: str,
    at_first: tuple[str, str | None],
    later: str,
    reason: str | None,
    moves: list[int],
) -> None:
    sandbox.banks("refunds", **{"as": way})
    refund = stripe.v1.refunds.create({"payment_intent": intent.id})
    said = refund.to_dict()
    assert (said["status"], said.get("pending_reason")) == at_first
    assert ("next_action" in said) == (way == "asks_reader")
    sandbox.advance(days=1)
    after = stripe.v1.refunds.retrieve(refund.id).to_dict()
    assert (after["status"], after.get("failure_reason")) == (later, reason)
    assert moved(sandbox) == moves
    if later == "pending":
        sandbox.banks("refunds", **{"as": "succeeded"})
        assert stripe.v1.refunds.retrieve(refund.id).status == "succeeded"
        assert moved(sandbox) == [-7500]


def test_a_person_tells_refunds_how_to_behave_on_the_page(
    sandbox: Sandbox, stripe: Stripe, intent: Any
) -> None:
    page = sandbox.http.get("/_sandbox").text
    assert all(words in page for words in BEHAVIOURS.values())
    answer = sandbox.http.post("/_sandbox/banks", data={"do": "refunds", "as": "too_old"})
    assert answer.status_code == 303
    assert '<option value="too_old" selected>' in sandbox.http.get("/_sandbox").text
    with pytest.raises(InvalidRequestError, match="too old to be refunded"):
        stripe.v1.refunds.create({"payment_intent": intent.id})
    assert f"Refunds {BEHAVIOURS['too_old']}" in sandbox.http.get("/_sandbox").text
    sandbox.http.post("/_sandbox/by-hand", data={"effect": ""})
    assert "everything answers" in sandbox.http.get("/_sandbox").text
    assert stripe.v1.refunds.create({"payment_intent": intent.id}).status == "succeeded"


def test_a_person_decides_a_refund_that_waits_for_its_reader(
    sandbox: Sandbox, stripe: Stripe, intent: Any
) -> None:
    sandbox.banks("refunds", **{"as": "asks_reader"})
    refund = stripe.v1.refunds.create({"payment_intent": intent.id})
    page = sandbox.http.get("/_sandbox").text
    assert "requires action" in page
    assert 'value="refund_succeeds"' in page
    sandbox.http.post("/_sandbox/banks", data={"do": "refund_succeeds", "refund": refund.id})
    after = stripe.v1.refunds.retrieve(refund.id).to_dict()
    assert (after["status"], "next_action" in after) == ("succeeded", False)
