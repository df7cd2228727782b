"""Disputes, early fraud warnings, failed refunds and payouts: acts of banks and of Stripe."""

from typing import Any

import pytest
from stripe import InvalidRequestError

from tests.dev.sandbox.receiver import Receiver
from tests.dev.sandbox.stripe_calls import Stripe, a_saved_card, charge
from tests.support.sandbox import Sandbox


def kinds(sandbox: Sandbox) -> list[str]:
    """What events there were, oldest first."""
    return [event["type"] for event in reversed(sandbox.events())]


def balance(stripe: Stripe, **asked: Any) -> list[tuple[str, int, int]]:
    """Reporting category, amount and fee of balance transactions, newest first."""
    found = stripe.v1.balance_transactions.list(asked).data
    return [(one.reporting_category, one.amount, one.fee) for one in found]


def disputed(stripe: Stripe, name: str = "pm_card_createDispute") -> Any:
    """A dispute as Stripe shows it."""
    intent = charge(stripe, a_saved_card(stripe, name))
    return stripe.v1.disputes.list({"payment_intent": intent.id}).data[0]


def test_a_card_makes_a_dispute_that_takes_the_money_and_a_fee(sandbox: Sandbox, stripe: Stripe) -> None:
    dispute = disputed(stripe)
    assert (dispute.status, dispute.reason, dispute.amount) == ("needs_response", "fraudulent", 7500)
    assert not dispute.is_charge_refundable
    assert stripe.v1.charges.retrieve(str(dispute.charge)).disputed
    assert balance(stripe) == [("dispute", -7500, 5000), ("charge", 7500, 418)]
    assert balance(stripe, source=dispute.id) == [("dispute", -7500, 5000)]
    assert kinds(sandbox)[-4:] == [
        "charge.succeeded", "charge.dispute.created", "charge.dispute.funds_withdrawn", "payment_intent.succeeded",
    ]  # fmt: skip
    with pytest.raises(InvalidRequestError, match="charged back") as refused:
        stripe.v1.refunds.create({"payment_intent": str(dispute.payment_intent)})
    assert refused.value.code == "charge_disputed"


@pytest.mark.parametrize(("words", "status"), [("winning_evidence", "won"), ("losing_evidence", "lost")])
def test_evidence_is_kept_then_submitted_and_may_decide(stripe: Stripe, words: str, status: str) -> None:
    dispute = disputed(stripe)
    kept = stripe.v1.disputes.update(
        dispute.id, {"evidence": {"customer_name": "T Dlamini"}, "submit": False}
    )
    assert (kept.status, kept.evidence_details.has_evidence) == ("needs_response", True)
    assert kept.evidence_details.submission_count == 0
    decided = stripe.v1.disputes.update(dispute.id, {"evidence": {"uncategorized_text": words}})
    assert (decided.status, decided.evidence.customer_name) == (status, "T Dlamini")
    with pytest.raises(InvalidRequestError):
        stripe.v1.disputes.update(dispute.id, {"evidence": {"customer_name": "N Dlamini"}})
    expected = [("dispute_reversal", 7500, 0)] if status == "won" else []
    assert balance(stripe, type="adjustment") == [*expected, ("dispute", -7500, 5000)]


def test_a_dispute_that_was_won_can_be_refunded_again_and_a_lost_one_cannot(
    sandbox: Sandbox, stripe: Stripe
) -> None:
    won, lost = disputed(stripe), disputed(stripe)
    answered = stripe.v1.disputes.update(won.id, {"evidence": {"service_date": "2027-03-16"}})
    assert answered.status == "under_review"
    sandbox.banks("win", dispute=won.id)
    assert stripe.v1.disputes.close(lost.id).status == "lost"
    assert stripe.v1.refunds.create({"payment_intent": str(won.payment_intent)}).status == "succeeded"
    with pytest.raises(InvalidRequestError):
        stripe.v1.refunds.create({"payment_intent": str(lost.payment_intent)})
    assert kinds(sandbox).count("charge.dispute.closed") == 2
    assert kinds(sandbox).count("charge.dispute.funds_reinstated") == 1


def test_silence_loses_a_dispute_and_closes_an_inquiry(sandbox: Sandbox, stripe: Stripe) -> None:
    sandbox.set_clock(sandbox.now)
    dispute, inquiry = disputed(stripe), disputed(stripe, "pm_card_createDisputeInquiry")
    assert (inquiry.status, inquiry.is_charge_refundable) == ("warning_needs_response", True)
    assert balance(stripe, source=inquiry.id) == []
    sandbox.advance(days=9)
    assert stripe.v1.disputes.retrieve(dispute.id).status == "lost"
    assert stripe.v1.disputes.retrieve(inquiry.id).status == "warning_closed"


def test_an_inquiry_may_become_a_chargeback(sandbox: Sandbox, stripe: Stripe) -> None:
    inquiry = disputed(stripe, "pm_card_createDisputeInquiry")
    sandbox.banks("lose", dispute=inquiry.id)
    after = stripe.v1.disputes.retrieve(inquiry.id)
    assert (after.status, after.is_charge_refundable) == ("needs_response", False)
    assert balance(stripe, source=inquiry.id) == [("dispute", -7500, 5000)]


def test_any_paid_charge_is_disputed_on_demand_in_part_and_once(sandbox: Sandbox, stripe: Stripe) -> None:
    paid = charge(stripe, a_saved_card(stripe, "pm_card_visa")).latest_charge
    made = sandbox.banks("dispute", charge=paid, reason="subscription_canceled", amount=5000)
    assert (made["amount"], made["reason"]) == (5000, "subscription_canceled")
    for wrong in ({"charge": paid}, {"charge": "ch_nobody"}, {}):
        assert sandbox.http.post("/_sandbox/banks", json={"do": "dispute", **wrong}).status_code == 400
    assert sandbox.http.post("/_sandbox/banks", json={"do": "nothing"}).status_code == 400


def test_an_early_fraud_warning_comes_by_card_or_on_demand(sandbox: Sandbox, stripe: Stripe) -> None:
    first = charge(stripe, a_saved_card(stripe, "pm_card_createIssuerFraudRecord"))
    warned = stripe.v1.radar.early_fraud_warnings.list({"payment_intent": first.id}).data[0]
    assert warned.actionable
    assert stripe.v1.radar.early_fraud_warnings.retrieve(warned.id).charge == first.latest_charge
    stripe.v1.refunds.create({"payment_intent": first.id})
    assert not sandbox.banks("warn", charge=first.latest_charge)["actionable"]
    assert kinds(sandbox).count("radar.early_fraud_warning.created") == 2


@pytest.mark.parametrize(
    ("how", "end"), [("pending", "succeeded"), ("pending_fails", "failed"), ("fails", "failed")]
)
def test_refunds_behave_as_told_and_end_a_day_later(
    sandbox: Sandbox, stripe: Stripe, how: str, end: str
) -> None:
    sandbox.set_clock(sandbox.now)
    intent = charge(stripe, a_saved_card(stripe, "pm_card_visa"))
    sandbox.banks("refunds", **{"as": how})
    refund = stripe.v1.refunds.create({"payment_intent": intent.id, "amount": 2500})
    assert refund.status == ("succeeded" if how == "fails" else "pending")
    sandbox.advance(hours=24)
    after = stripe.v1.refunds.retrieve(refund.id)
    assert after.status == end
    expected = [("refund_failure", 2500, 0)] if end == "failed" else []
    assert balance(stripe, source=refund.id) == [*expected, ("refund", -2500, 0)]
    assert bool(after.to_dict().get("failure_balance_transaction")) is (end == "failed")


def test_a_refund_that_succeeded_may_still_come_back(sandbox: Sandbox, stripe: Stripe) -> None:
    intent = charge(stripe, a_saved_card(stripe, "pm_card_visa"))
    refund = stripe.v1.refunds.create({"payment_intent": intent.id})
    sandbox.banks("refund_fails", refund=refund.id)
    assert stripe.v1.refunds.retrieve(refund.id).status == "failed"
    assert stripe.v1.charges.retrieve(str(intent.latest_charge)).amount_refunded == 0
    assert (
        sandbox.http.post("/_sandbox/banks", json={"do": "refund_fails", "refund": refund.id}).status_code
        == 400
    )


def test_what_is_available_is_paid_out_each_day_and_can_be_listed(
    sandbox: Sandbox, stripe: Stripe, receiver: Receiver
) -> None:
    sandbox.set_clock(sandbox.now)
    sandbox.add_webhook(receiver.url, "whsec_x")
    first = charge(stripe, a_saved_card(stripe, "pm_card_visa"))
    stripe.v1.refunds.create({"payment_intent": first.id, "amount": 2500})
    sandbox.advance(days=6)
    charge(stripe, a_saved_card(stripe, "pm_card_mastercard"))
    assert sandbox.payouts() == []
    sandbox.advance(days=2)
    sandbox.settle()
    paid = stripe.v1.payouts.list().data
    assert [(one.amount, one.status, one.reconciliation_status) for one in paid] == [
        (4582, "paid", "completed")
    ]
    assert balance(stripe, payout=paid[0].id) == [
        ("payout", -4582, 0),
        ("refund", -2500, 0),
        ("charge", 7500, 418),
    ]
    entries = stripe.v1.balance_transactions.list({"payout": paid[0].id}).data
    assert sum(one.net for one in entries) == 0
    assert stripe.v1.payouts.retrieve(paid[0].id).balance_transaction == entries[0].id
    sandbox.advance(days=7)
    sandbox.settle()
    assert [one.amount for one in stripe.v1.payouts.list().data] == [7082, 4582]
    assert kinds(sandbox).count("payout.reconciliation_completed") == 2
    with pytest.raises(InvalidRequestError):
        stripe.v1.balance_transactions.list({"payout": "po_nobody"})


def test_a_balance_below_zero_waits(sandbox: Sandbox, stripe: Stripe) -> None:
    sandbox.set_clock(sandbox.now)
    disputed(stripe)
    sandbox.advance(days=30)
    assert sandbox.payouts() == []
    for _ in range(4):
        charge(stripe, a_saved_card(stripe, "pm_card_visa"))
    sandbox.advance(days=8)
    assert [one["amount"] for one in sandbox.payouts()] == [4 * 7082 - 418 - 5000]


def test_whoever_moves_the_clock_is_told_when_something_happens_next(
    sandbox: Sandbox, stripe: Stripe
) -> None:
    sandbox.set_clock(sandbox.now)
    assert sandbox.http.post("/_sandbox/settle").json()["next"] is None
    charge(stripe, a_saved_card(stripe, "pm_card_visa"))
    payout_at = sandbox.http.post("/_sandbox/settle").json()["next"]
    assert 7 * 86400 <= payout_at - sandbox.now.timestamp() < 8 * 86400
    intent = charge(stripe, a_saved_card(stripe, "pm_card_pendingRefund"))
    stripe.v1.refunds.create({"payment_intent": intent.id})
    assert sandbox.http.post("/_sandbox/settle").json()["next"] == sandbox.now.timestamp() + 86400


def test_stripe_itself_may_correct_the_balance(sandbox: Sandbox, stripe: Stripe) -> None:
    sandbox.banks("correct", amount=-123)
    assert balance(stripe) == [("other_adjustment", -123, 0)]


def test_a_person_disputes_decides_and_warns_on_the_page(sandbox: Sandbox, stripe: Stripe) -> None:
    paid = charge(stripe, a_saved_card(stripe, "pm_card_visa")).latest_charge
    assert "Warn of fraud" in sandbox.http.get("/_sandbox").text
    answer = sandbox.http.post("/_sandbox/banks", data={"do": "dispute", "charge": str(paid)})
    assert answer.headers["location"] == "/_sandbox"
    page = sandbox.http.get("/_sandbox").text
    assert "Decide for the reader" in page
    assert "needs response" in page
    sandbox.http.post("/_sandbox/banks", data={"do": "win", "dispute": sandbox.disputes()[0]["id"]})
    assert sandbox.disputes()[0]["status"] == "won"


def test_a_refund_that_is_pending_when_its_charge_is_disputed_fails(sandbox: Sandbox, stripe: Stripe) -> None:
    """An inquiry takes nothing, so it ends none."""
    sandbox.set_clock(sandbox.now)
    intent = charge(stripe, a_saved_card(stripe, "pm_card_visa"))
    sandbox.banks("refunds", **{"as": "pending"})
    refund = stripe.v1.refunds.create({"payment_intent": intent.id, "amount": 2500})
    asked = sandbox.banks("dispute", charge=str(intent.latest_charge), inquiry=True)
    assert stripe.v1.refunds.retrieve(refund.id).status == "pending"
    sandbox.banks("lose", dispute=asked["id"])
    after = stripe.v1.refunds.retrieve(refund.id).to_dict()
    assert (after["status"], after["failure_reason"]) == ("failed", "charge_for_pending_refund_disputed")
    assert balance(stripe, source=refund.id) == [("refund_failure", 2500, 0), ("refund", -2500, 0)]
    assert "refund.failed" in kinds(sandbox)
