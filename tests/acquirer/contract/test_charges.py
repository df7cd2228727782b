"""The contract of an acquirer: charges are made once, found again, and refunded."""

from datetime import timedelta

import pytest

from billing.acquirer.answers import (
    CardPage,
    ChargeClaim,
    Charged,
    Declined,
    InsufficientBalance,
    NeverArrived,
    NoSuchObject,
    NotTaken,
    PageClosed,
    PageOpen,
    PayPageRequest,
    RefundAnswer,
    RefundOutcome,
    RefundRefused,
    RefundRequest,
    SentBefore,
    Unknown,
)
from billing.acquirer.capabilities import Idempotency
from billing.rules.dunning import DeclineKind
from tests.acquirer.contract.under_test import OtherSide, UnderTest

SECOND = timedelta(seconds=1)


def test_a_charge_goes_through_once_for_its_key(acquirer: UnderTest) -> None:
    request = acquirer.request(acquirer.card(), descriptor_suffix="TRIAL OVER")
    first, again = acquirer.gateway.charge(request), acquirer.gateway.charge(request)
    assert isinstance(first, Charged)
    assert first == again
    assert first.amount == 7500
    assert abs(first.at - acquirer.now) < timedelta(minutes=5)


def test_a_charge_carries_the_evidence_that_it_continues_the_first(acquirer: UnderTest) -> None:
    assert acquirer.charged(acquirer.card()).network_transaction_id


def test_a_charge_that_is_not_made_for_another_reason_is_nobodys_decline(acquirer: UnderTest) -> None:
    outcome = acquirer.gateway.charge(acquirer.request(acquirer.card(), amount=1))
    assert isinstance(outcome, NotTaken)
    assert outcome.reason


def test_a_decline_is_final_for_its_key_and_is_found_as_one(acquirer: UnderTest) -> None:
    request = acquirer.request(acquirer.card(acquirer.names.declined))
    first, again = acquirer.gateway.charge(request), acquirer.gateway.charge(request)
    assert isinstance(first, Declined)
    assert isinstance(again, Declined)
    assert again.intent_ref == first.intent_ref
    found = acquirer.gateway.find_charge(request)
    assert isinstance(found, Declined)
    assert found.decline == first.decline


def test_a_charge_that_waits_for_the_reader_asks_for_the_reader(
    acquirer: UnderTest, other: OtherSide
) -> None:
    card = acquirer.card()
    other.require_confirmation(card.method_ref)
    request = acquirer.request(card)
    for outcome in (acquirer.gateway.charge(request), acquirer.gateway.find_charge(request)):
        assert isinstance(outcome, Declined)
        assert outcome.decline.kind is DeclineKind.NEEDS_READER


def test_what_the_acquirer_does_not_know_is_an_answer(acquirer: UnderTest) -> None:
    """As an unknown outcome it would be looked up for ever."""
    gateway, names = acquirer.gateway, acquirer.names
    claim, outcome = gateway.fetch_charge(names.no_charge)
    assert claim is None
    assert isinstance(outcome, NoSuchObject)
    assert isinstance(gateway.fetch_setup(names.no_page), NoSuchObject)
    assert isinstance(gateway.fetch_pay_page(names.no_page), NoSuchObject)
    assert gateway.close_pay_page(names.no_page) == PageClosed()
    assert isinstance(gateway.fetch_refund(names.no_refund)[1], NoSuchObject)


def test_a_charge_can_be_found_again_by_listing(acquirer: UnderTest) -> None:
    card = acquirer.card()
    requests = [acquirer.request(card) for _ in range(3)]
    made = [acquirer.charged(card, request) for request in requests]
    assert [acquirer.gateway.find_charge(request) for request in requests] == made
    assert acquirer.gateway.find_charge(acquirer.request(card)) == NeverArrived()


def test_a_charge_that_may_have_been_sent_is_found_or_sent_and_never_twice(acquirer: UnderTest) -> None:
    card, at = acquirer.card(), acquirer.now
    gateway, request = acquirer.gateway, acquirer.request(card)
    before = SentBefore(at, key_unusable=False, unlisted_since=None)
    first = gateway.find_or_charge(request, before, at, may_send=True)
    assert isinstance(first, Charged), "it never arrived, so it is sent now"
    assert gateway.find_or_charge(request, before, at, may_send=True) == first
    assert gateway.find_or_charge(request, before, at, may_send=False) == first
    assert gateway.find_charge(request) == gateway.charge(request) == first


def test_a_charge_that_may_not_be_sent_any_more_has_never_arrived_once_it_is_missing_for_long(
    acquirer: UnderTest,
) -> None:
    """Each call says what to keep for the next one."""
    gateway, request, at = acquirer.gateway, acquirer.request(acquirer.card()), acquirer.now
    doubt = gateway.find_or_charge(request, SentBefore(at, False, None), at, may_send=False)
    assert isinstance(doubt, Unknown)
    assert doubt.unlisted_since == at
    assert doubt.wait is not None
    before = SentBefore(at, doubt.key_unusable, doubt.unlisted_since)
    later = at + doubt.wait
    assert gateway.find_or_charge(request, before, later - SECOND, may_send=False) == doubt
    assert gateway.find_or_charge(request, before, later, may_send=False) == NeverArrived()
    assert gateway.find_charge(request) == NeverArrived(), "nothing was sent"


def test_a_refund_that_may_have_been_sent_is_found_or_sent_and_never_twice(acquirer: UnderTest) -> None:
    charged, at = acquirer.charged(acquirer.card()), acquirer.now
    gateway = acquirer.gateway
    request = RefundRequest("ref_once", "asked", charged.intent_ref, 2500, acquirer.key())
    before = SentBefore(at, key_unusable=False, unlisted_since=None)
    first = gateway.find_or_refund(request, before, at)
    assert isinstance(first, RefundAnswer)
    assert gateway.find_or_refund(request, before, at) == first
    other = RefundRequest("ref_other", "asked", charged.intent_ref, 5000, acquirer.key())
    assert isinstance(gateway.find_or_refund(other, before, at), RefundAnswer), "another of the same charge"
    assert gateway.find_refund(refund_id="ref_once", intent_ref=charged.intent_ref) == first


def test_a_refund_whose_key_is_unusable_waits_and_then_may_have_another(acquirer: UnderTest) -> None:
    if acquirer.gateway.capabilities.idempotency is Idempotency.BY_REFERENCE:
        pytest.skip("it has no key that could become unusable")
    charged, at = acquirer.charged(acquirer.card()), acquirer.now
    gateway = acquirer.gateway
    request = RefundRequest("ref_stuck", "asked", charged.intent_ref, 2500, acquirer.key())
    doubt = gateway.find_or_refund(request, SentBefore(at, True, None), at)
    assert isinstance(doubt, Unknown)
    assert doubt.wait is not None
    later = at + doubt.wait
    assert (
        gateway.find_or_refund(request, SentBefore(at, True, doubt.unlisted_since), later) == NeverArrived()
    )


def test_a_charge_is_fetched_with_what_it_is_for(acquirer: UnderTest) -> None:
    card = acquirer.card()
    request = acquirer.request(card)
    made = acquirer.charged(card, request)
    assert acquirer.gateway.fetch_charge(made.intent_ref) == (request.claim, made)


def test_money_goes_back_in_parts_and_never_more_than_came(acquirer: UnderTest) -> None:
    charged = acquirer.charged(acquirer.card())

    def refund(amount: int, key: str) -> RefundOutcome:
        return acquirer.gateway.refund(RefundRequest("ref_1", "asked", charged.intent_ref, amount, key))

    key = acquirer.key()
    first, again = refund(5000, key), refund(5000, key)
    assert isinstance(first, RefundAnswer)
    assert first == again
    assert first.state in ("succeeded", "pending")
    assert isinstance(refund(2501, acquirer.key()), RefundRefused)
    assert isinstance(refund(2500, acquirer.key()), RefundAnswer)
    assert isinstance(refund(1, acquirer.key()), RefundRefused)
    assert acquirer.gateway.fetch_refund(first.refund_ref)[0] == "ref_1"


@pytest.mark.parametrize(
    ("way", "answer"),
    [("no_balance", InsufficientBalance), ("too_old", RefundRefused), ("waits_for_balance", RefundAnswer)],
)
def test_want_of_balance_is_told_from_a_refusal_for_good(
    acquirer: UnderTest, other: OtherSide, way: str, answer: type
) -> None:
    charged = acquirer.charged(acquirer.card())
    other.refuse_refunds(way)
    made = acquirer.gateway.refund(RefundRequest("ref_1", "test", charged.intent_ref, 7500, acquirer.key()))
    assert isinstance(made, answer)
    if isinstance(made, RefundAnswer):
        assert (made.state, made.insufficient_balance) == ("pending", True)


def pay_page(acquirer: UnderTest, claim: ChargeClaim, customer_ref: str, key: str) -> CardPage:
    """The page on which this claim is paid."""
    page = acquirer.gateway.open_pay_page(
        PayPageRequest(
            claim=claim,
            idempotency_key=key,
            customer_ref=customer_ref,
            amount=7500,
            currency="ZAR",
            what="One month (incl. 15% VAT)",
            words="Your subscription is charged to this card from now on.",
            descriptor_suffix="TRIAL OVER",
            success_url="https://example.com/back",
            cancel_url="https://example.com/pay",
            expires_at=acquirer.now.replace(microsecond=0) + timedelta(hours=1),
        )
    )
    assert isinstance(page, CardPage), page
    return page


def test_a_pay_page_is_open_until_it_is_closed(acquirer: UnderTest) -> None:
    key, customer = acquirer.key(), acquirer.customer()
    page = pay_page(acquirer, ChargeClaim("att_one", "inv_1", "sub_1", 1, 1), customer, key)
    assert acquirer.gateway.fetch_pay_page(page.session_ref) == PageOpen(page.url)
    assert acquirer.gateway.close_pay_page(page.session_ref) == PageClosed()
    assert acquirer.gateway.close_pay_page(page.session_ref) == PageClosed()


def test_a_pay_page_that_was_paid_is_a_charge_and_cannot_be_closed(
    acquirer: UnderTest, other: OtherSide
) -> None:
    other.pass_time(timedelta())  # from here on its clock stands, so that the same request is the same
    key, customer = acquirer.key(), acquirer.customer()
    claim = ChargeClaim("att_two", "inv_1", "sub_1", 1, 2)
    page = pay_page(acquirer, claim, customer, key)
    assert pay_page(acquirer, claim, customer, key) == page, "one page for one key"
    other.fill_in(page, acquirer.names.number_confirmed_once)
    paid = acquirer.gateway.fetch_pay_page(page.session_ref)
    assert isinstance(paid, Charged)
    assert acquirer.gateway.close_pay_page(page.session_ref) == paid, "what is paid can't be closed"
    assert acquirer.gateway.fetch_charge(paid.intent_ref) == (claim, paid)
    assert paid.card is not None
    assert acquirer.gateway.fetch_card(paid.card.method_ref) == paid.card
    assert acquirer.charged(paid.card).amount == 7500, "the card is good for charges without its owner"
