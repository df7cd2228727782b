"""PaymentIntents, charges and refunds, and their effect on the balance."""

from typing import Any

import pytest
from stripe import InvalidRequestError

from billing.dev.sandbox.balance import fee_on
from billing.dev.sandbox.world import Merchant
from tests.dev.sandbox.stripe_calls import Stripe, a_customer, a_saved_card, charge
from tests.support.sandbox import Sandbox


def test_a_renewal_is_charged_with_everything_worth_keeping(stripe: Stripe) -> None:
    card = a_saved_card(stripe, "pm_card_visa")
    intent = charge(stripe, card, statement_descriptor_suffix="TRIAL OVER", expand=["latest_charge"])
    paid = intent.latest_charge
    assert (intent.amount_received, intent.currency, intent.customer) == (7500, "zar", card.customer)
    assert intent.metadata.to_dict() == {"invoice": "inv_1", "attempt": "att_1"}
    assert paid.calculated_statement_descriptor == "MASTHEAD* TRIAL OVER"
    assert paid.metadata.to_dict() == {"invoice": "inv_1", "attempt": "att_1"}
    used = paid.payment_method_details.card
    assert used.stored_credential_usage == "recurring"
    assert len(used.network_transaction_id) == 15


@pytest.mark.parametrize(
    ("fields", "code", "param"),
    [
        ({"amount": 0}, "parameter_invalid_integer", "amount"),
        ({"amount": 999}, "amount_too_small", "amount"),
        ({"amount": 100_000_000}, "amount_too_large", "amount"),
        ({"currency": "xxx"}, None, "currency"),
        ({"customer": "cus_nobody"}, "resource_missing", "customer"),
        ({"payment_method": "pm_nobody"}, "resource_missing", "payment_method"),
        ({"confirm": False}, None, "off_session"),
        ({"statement_descriptor": "MASTHEAD"}, None, "statement_descriptor"),
        ({"statement_descriptor_suffix": "A LONG SUFFIX"}, None, "statement_descriptor_suffix"),
        ({"statement_descriptor_suffix": "12345"}, None, "statement_descriptor_suffix"),
        ({"off_session": "sometimes"}, None, "off_session"),
        ({"payment_method_types": ["card"]}, "parameter_unknown", "payment_method_types"),
        ({"metadata": {"k" * 41: "v"}}, None, "metadata"),
        ({"expand": ["review"]}, None, "expand[0]"),
    ],
)
def test_a_charge_that_makes_no_sense_is_refused(
    stripe: Stripe, fields: dict[str, Any], code: str | None, param: str
) -> None:
    card = a_saved_card(stripe, "pm_card_visa")
    with pytest.raises(InvalidRequestError) as refused:
        charge(stripe, card, **fields)
    assert (refused.value.http_status, refused.value.code, refused.value.param) == (400, code, param)
    assert stripe.v1.payment_intents.list().data == []


def test_a_card_of_somebody_else_is_refused(stripe: Stripe) -> None:
    card = a_saved_card(stripe, "pm_card_visa")
    with pytest.raises(InvalidRequestError, match="does not belong to the Customer you supplied"):
        charge(stripe, card, customer=a_customer(stripe).id)


def test_an_intent_is_confirmed_later_on_session_or_canceled(sandbox: Sandbox, stripe: Stripe) -> None:
    card = a_saved_card(stripe, "pm_card_visa")
    intent = stripe.v1.payment_intents.create(
        {"amount": 7500, "currency": "zar", "customer": card.customer, "payment_method": card.id}
    )
    assert intent.status == "requires_confirmation"
    assert stripe.v1.payment_intents.confirm(intent.id, {"off_session": "recurring"}).status == "succeeded"
    with pytest.raises(InvalidRequestError, match="status of succeeded"):
        stripe.v1.payment_intents.cancel(intent.id)
    other = stripe.v1.payment_intents.create({"amount": 7500, "currency": "zar"})
    assert stripe.v1.payment_intents.cancel(other.id).status == "canceled"


@pytest.mark.parametrize(
    ("outcome", "status"), [("complete", "succeeded"), ("fail", "requires_payment_method")]
)
def test_a_person_answers_for_a_payment_on_session(
    sandbox: Sandbox, stripe: Stripe, outcome: str, status: str
) -> None:
    intent = stripe.v1.payment_intents.create(
        {
            "amount": 7500,
            "currency": "zar",
            "customer": a_customer(stripe).id,
            "payment_method": "pm_card_authenticationRequired",
            "confirm": True,
            "return_url": "https://masthead.example/paid",
        }
    )
    assert intent.status == "requires_action"
    page = intent.next_action.redirect_to_url.url
    assert "R75.00" in sandbox.http.get(str(page)).text
    sandbox.http.post(str(page), data={"outcome": outcome})
    assert stripe.v1.payment_intents.retrieve(intent.id).status == status
    assert len(sandbox.charges()) == (1 if outcome == "complete" else 0)


def test_a_card_past_its_expiry_date_is_declined(sandbox: Sandbox, stripe: Stripe) -> None:
    card = a_saved_card(stripe, "pm_card_visa")
    stripe.v1.payment_methods.update(card.id, {"card": {"exp_month": 1, "exp_year": 2020}})
    with pytest.raises(Exception, match="expired"):
        charge(stripe, card)


def test_refunds_in_parts_and_never_too_much(stripe: Stripe) -> None:
    intent = charge(stripe, a_saved_card(stripe, "pm_card_visa"))
    first = stripe.v1.refunds.create(
        {"payment_intent": intent.id, "amount": 2500, "reason": "requested_by_customer"}
    )
    assert (first.status, first.charge) == ("succeeded", intent.latest_charge)
    with pytest.raises(InvalidRequestError, match="greater than unrefunded amount"):
        stripe.v1.refunds.create({"payment_intent": intent.id, "amount": 5001})
    rest = stripe.v1.refunds.create({"charge": str(intent.latest_charge)})
    assert rest.amount == 5000
    paid = stripe.v1.charges.retrieve(str(intent.latest_charge))
    assert (paid.amount_refunded, paid.refunded) == (7500, True)
    with pytest.raises(InvalidRequestError) as refused:
        stripe.v1.refunds.create({"payment_intent": intent.id})
    assert refused.value.code == "charge_already_refunded"
    assert [one.id for one in stripe.v1.refunds.list({"payment_intent": intent.id}).data] == [
        rest.id,
        first.id,
    ]
    assert stripe.v1.refunds.retrieve(first.id).amount == 2500


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"charge": "ch_nobody"},
        {"payment_intent": "pi_nobody"},
        {"payment_intent": "pi_1", "charge": "ch_1"},
    ],
)
def test_a_refund_of_nothing_is_refused(stripe: Stripe, asked: dict[str, str]) -> None:
    with pytest.raises(InvalidRequestError):
        stripe.v1.refunds.create(asked)


def test_an_unpaid_intent_cannot_be_refunded(stripe: Stripe) -> None:
    intent = stripe.v1.payment_intents.create({"amount": 7500, "currency": "zar"})
    with pytest.raises(InvalidRequestError, match="does not have a successful charge"):
        stripe.v1.refunds.create({"payment_intent": intent.id})


@pytest.mark.parametrize(("amount", "fee"), [(7500, 418), (75000, 2375), (1000, 229), (17, 200), (18, 201)])
def test_the_fee_is_a_part_of_the_charge_and_so_much_for_each(amount: int, fee: int) -> None:
    assert fee_on(Merchant(fee_per_mille=29, fee_fixed=200), amount) == fee


def test_the_balance_adds_up(stripe: Stripe) -> None:
    intent = charge(stripe, a_saved_card(stripe, "pm_card_visa"))
    stripe.v1.refunds.create({"payment_intent": intent.id, "amount": 1000})
    entries = stripe.v1.balance_transactions.list().data
    assert [(one.type, one.amount, one.fee, one.net) for one in entries] == [
        ("refund", -1000, 0, -1000),
        ("charge", 7500, 418, 7082),
    ]
    assert (
        stripe.v1.balance_transactions.retrieve(entries[0].id).source == stripe.v1.refunds.list().data[0].id
    )
    one = stripe.v1.balance_transactions.list({"source": str(intent.latest_charge)}).data
    assert [entry.id for entry in one] == [entries[1].id]


@pytest.mark.parametrize(
    ("name", "at_first", "later", "refunded"),
    [
        ("pm_card_pendingRefund", "pending", "succeeded", 7500),
        ("pm_card_refundFail", "succeeded", "failed", 0),
    ],
)
def test_refunds_that_take_their_time(
    sandbox: Sandbox, stripe: Stripe, name: str, at_first: str, later: str, refunded: int
) -> None:
    sandbox.set_clock(sandbox.now)
    intent = charge(stripe, a_saved_card(stripe, name))
    refund = stripe.v1.refunds.create({"payment_intent": intent.id})
    assert refund.status == at_first
    sandbox.advance(days=1)
    assert stripe.v1.refunds.retrieve(refund.id).status == later
    assert stripe.v1.charges.retrieve(str(intent.latest_charge)).amount_refunded == refunded
