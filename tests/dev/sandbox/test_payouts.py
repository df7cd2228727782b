"""Manual payouts, returned payouts and debits in the API."""

from typing import Any

import pytest
from stripe import InvalidRequestError

from tests.dev.sandbox.receiver import Receiver
from tests.dev.sandbox.stripe_calls import Stripe, a_saved_card, charge
from tests.support.sandbox import Sandbox


def settled(sandbox: Sandbox, stripe: Stripe, days: int = 7) -> Any:
    """A charge whose money can be paid out, with automatic payouts off."""
    sandbox.set_clock(sandbox.now)
    sandbox.banks("payouts", schedule="manual")
    made = charge(stripe, a_saved_card(stripe, "pm_card_visa"))
    sandbox.advance(days=days)
    return made


def asked(stripe: Stripe, **more: Any) -> Any:
    return stripe.v1.payouts.create({"amount": 5000, "currency": "zar", **more})


def test_a_payout_by_hand_is_not_itemised(sandbox: Sandbox, stripe: Stripe, receiver: Receiver) -> None:
    sandbox.add_webhook(receiver.url, "whsec_x")
    settled(sandbox, stripe)
    assert sandbox.payouts() == []
    made = asked(stripe, metadata={"for": "rent"})
    assert (made.automatic, made.method, made.status) == (False, "standard", "pending")
    assert (made.reconciliation_status, made.metadata["for"]) == ("not_applicable", "rent")
    with pytest.raises(
        InvalidRequestError, match="only be filtered on automatic transfers, not manual"
    ) as no:
        stripe.v1.balance_transactions.list({"payout": made.id})
    assert (no.value.http_status, no.value.code, no.value.param) == (400, None, None)
    [moved] = stripe.v1.balance_transactions.list({"source": made.id}).data
    assert (moved.reporting_category, moved.amount, moved.fee) == ("payout", -5000, 0)
    sandbox.advance(days=1)
    sandbox.settle()
    assert stripe.v1.payouts.retrieve(made.id).status == "paid"
    kinds = [event["type"] for event in sandbox.events() if event["type"].startswith("payout.")]
    assert kinds == ["payout.paid", "payout.created"]


def test_an_instant_payout_takes_what_is_not_available_yet_for_a_fee(
    sandbox: Sandbox, stripe: Stripe
) -> None:
    settled(sandbox, stripe, days=0)
    with pytest.raises(InvalidRequestError) as no:
        asked(stripe)
    assert (no.value.http_status, no.value.code) == (400, "balance_insufficient")
    assert "Your card balance is too low." in str(no.value.user_message)
    made = asked(stripe, method="instant")
    assert (made.status, made.method, made.automatic) == ("paid", "instant", False)
    [moved] = stripe.v1.balance_transactions.list({"source": made.id}).data
    assert (moved.amount, moved.fee, moved.net) == (-5000, 50, -5050)


def test_its_fee_may_stand_apart(sandbox: Sandbox, stripe: Stripe) -> None:
    settled(sandbox, stripe, days=0)
    sandbox.banks("pay_out", method="instant", amount=5000, fee_apart=True)
    fee, moved, _ = stripe.v1.balance_transactions.list().data
    assert (moved.reporting_category, moved.amount, moved.fee) == ("payout", -5000, 0)
    assert (fee.type, fee.reporting_category, fee.amount, fee.source) == ("stripe_fee", "fee", -50, None)


@pytest.mark.parametrize("method", ["standard", "instant"])
def test_it_may_come_back(sandbox: Sandbox, stripe: Stripe, method: str) -> None:
    settled(sandbox, stripe)
    made = asked(stripe, method=method)
    sandbox.banks("payout_fails", payout=made.id)
    sandbox.advance(days=2)
    assert stripe.v1.payouts.retrieve(made.id).status == "failed"
    moved = stripe.v1.balance_transactions.list({"source": made.id}).data
    assert [(one.reporting_category, one.amount) for one in moved] == [
        ("payout_reversal", 5000),
        ("payout", -5000),
    ]


def test_a_balance_below_zero_is_taken_from_the_bank_account(sandbox: Sandbox, stripe: Stripe) -> None:
    made = settled(sandbox, stripe)
    sandbox.banks("pay_out")
    stripe.v1.refunds.create({"payment_intent": made.id})
    sandbox.advance(days=7)
    debited = sandbox.banks("debit")
    assert (debited["amount"], debited["automatic"]) == (-7500, True)
    listed = stripe.v1.balance_transactions.list({"payout": debited["id"]}).data
    assert sorted((one.reporting_category, one.amount) for one in listed) == [
        ("charge", 7500), ("payout", -7082), ("payout", 7500), ("refund", -7500),
    ]  # fmt: skip
    assert sandbox.http.post("/_sandbox/banks", json={"do": "debit"}).status_code == 400


def test_a_list_may_take_its_time(sandbox: Sandbox, stripe: Stripe) -> None:
    sandbox.set_clock(sandbox.now)
    sandbox.banks("payouts", listing="in_progress")
    charge(stripe, a_saved_card(stripe, "pm_card_visa"))
    sandbox.advance(days=9)
    [paid] = stripe.v1.payouts.list().data
    assert paid.reconciliation_status == "in_progress"
    assert [one.source for one in stripe.v1.balance_transactions.list({"payout": paid.id}).data] == [paid.id]
    sandbox.banks("payout_listed", payout=paid.id)
    assert stripe.v1.payouts.retrieve(paid.id).reconciliation_status == "completed"
    assert len(stripe.v1.balance_transactions.list({"payout": paid.id}).data) == 2
    assert sandbox.http.post("/_sandbox/banks", json={"do": "payouts", "schedule": "x"}).status_code == 400
