"""The contract of an acquirer: cards and customers."""

from datetime import timedelta

from billing.acquirer.answers import (
    CardGone,
    CardPage,
    CustomerGone,
    Declined,
    NeverArrived,
    NoSuchObject,
    SavedCard,
    SetupExpired,
    SetupOpen,
)
from billing.rules.dunning import DeclineKind
from tests.acquirer.contract.under_test import OtherSide, UnderTest


def test_a_card_is_saved_with_what_may_be_shown_and_nothing_more(acquirer: UnderTest) -> None:
    card = acquirer.card()
    assert (card.brand, card.last4) == ("visa", "4242")
    assert card.exp_year >= acquirer.now.year
    assert card.fingerprint
    assert acquirer.gateway.fetch_card(card.method_ref) == card


def test_one_card_has_one_fingerprint_whoever_saves_it(acquirer: UnderTest) -> None:
    assert acquirer.card().fingerprint == acquirer.card().fingerprint
    assert acquirer.card().fingerprint != acquirer.card(acquirer.names.of_another_scheme).fingerprint


def test_a_card_without_a_fingerprint_has_none(acquirer: UnderTest, other: OtherSide) -> None:
    assert other.now
    card = acquirer.card(acquirer.names.without_fingerprint)
    assert card.fingerprint is None
    assert acquirer.gateway.fetch_card(card.method_ref) == card


def test_the_same_key_makes_one_customer(acquirer: UnderTest) -> None:
    key = acquirer.key()
    first, second = (
        acquirer.gateway.create_customer(reader_id="rdr_one", email="one@example.com", key=key)
        for _ in range(2)
    )
    assert first == second


def test_a_card_that_is_refused_or_unknown_when_it_is_saved_is_an_answer(acquirer: UnderTest) -> None:
    for method in (*acquirer.names.refused_when_saved, acquirer.names.no_card):
        saved = acquirer.gateway.save_card(
            customer_ref=acquirer.customer(), method_ref=method, key=acquirer.key()
        )
        assert isinstance(saved, Declined), method


def test_a_card_that_was_removed_is_gone_and_its_charge_asks_for_another(
    acquirer: UnderTest, other: OtherSide
) -> None:
    card = acquirer.card()
    other.remove_card(card.method_ref)
    assert acquirer.gateway.fetch_card(card.method_ref) == CardGone()
    outcome = acquirer.gateway.charge(acquirer.request(card))
    assert isinstance(outcome, Declined)
    assert outcome.decline.kind is DeclineKind.HARD
    assert outcome.decline.card_gone
    assert isinstance(acquirer.gateway.fetch_card(acquirer.names.no_card), NoSuchObject)


def test_the_card_of_another_customer_is_gone_for_this_one(acquirer: UnderTest) -> None:
    outcome = acquirer.gateway.charge(acquirer.request(acquirer.card(), customer_ref=acquirer.customer()))
    assert isinstance(outcome, Declined)
    assert outcome.decline.card_gone


def test_a_customer_is_there_until_it_is_gone(acquirer: UnderTest) -> None:
    assert acquirer.gateway.fetch_customer(acquirer.customer()) is None
    assert acquirer.gateway.fetch_customer(acquirer.names.no_customer) == CustomerGone()


def test_a_customer_who_is_gone_is_said_to_be(acquirer: UnderTest, other: OtherSide) -> None:
    card = acquirer.card()
    request = acquirer.request(card)
    charged = acquirer.charged(card, request)
    other.delete_customer(card.customer_ref)
    assert acquirer.gateway.fetch_customer(card.customer_ref) == CustomerGone()
    assert acquirer.gateway.fetch_card(card.method_ref) == CardGone()
    outcome = acquirer.gateway.charge(acquirer.request(card))
    assert isinstance(outcome, Declined)
    assert outcome.decline.card_gone
    assert acquirer.gateway.find_charge(request) == charged, "its charges are found all the same"
    assert acquirer.gateway.find_charge(acquirer.request(card)) == NeverArrived()
    saved = acquirer.gateway.save_card(
        customer_ref=card.customer_ref, method_ref=acquirer.names.good, key=acquirer.key()
    )
    assert saved == CustomerGone()
    assert acquirer.open_card_page(card.customer_ref) == CustomerGone()


def test_a_card_page_is_open_until_it_is_used(acquirer: UnderTest) -> None:
    page = acquirer.open_card_page()
    assert isinstance(page, CardPage)
    assert isinstance(acquirer.gateway.fetch_setup(page.session_ref), SetupOpen)


def test_a_card_page_that_nobody_uses_runs_out(acquirer: UnderTest, other: OtherSide) -> None:
    page = acquirer.open_card_page()
    assert isinstance(page, CardPage)
    other.pass_time(timedelta(hours=24))
    assert isinstance(acquirer.gateway.fetch_setup(page.session_ref), SetupExpired)


def test_a_bank_that_wants_the_reader_says_so(acquirer: UnderTest, other: OtherSide) -> None:
    """Only its owner can save such a card, on the acquirer's own page."""
    page = acquirer.open_card_page()
    assert isinstance(page, CardPage)
    other.fill_in(page, acquirer.names.number_confirmed_each_time)
    card = acquirer.gateway.fetch_setup(page.session_ref)
    assert isinstance(card, SavedCard)
    outcome = acquirer.gateway.charge(acquirer.request(card))
    assert isinstance(outcome, Declined)
    assert outcome.decline.kind is DeclineKind.NEEDS_READER


def test_a_customer_gets_another_address_once_for_each_key(acquirer: UnderTest) -> None:
    customer, key = acquirer.customer(), acquirer.key()
    for _ in range(2):
        assert acquirer.gateway.update_customer(customer, email="new@example.com", key=key) is None
    gone = acquirer.gateway.update_customer(
        acquirer.names.no_customer, email="new@example.com", key=acquirer.key()
    )
    assert gone == CustomerGone()
    acquirer.gateway.delete_customer(customer)
    gone = acquirer.gateway.update_customer(customer, email="third@example.com", key=acquirer.key())
    assert gone == CustomerGone()


def test_a_customer_is_deleted_with_its_cards_once_and_for_good(
    acquirer: UnderTest,
) -> None:
    card = acquirer.card()
    for _ in range(2):
        assert acquirer.gateway.delete_customer(card.customer_ref) == CustomerGone()
    assert acquirer.gateway.fetch_customer(card.customer_ref) == CustomerGone()
    assert acquirer.gateway.fetch_card(card.method_ref) == CardGone()
    assert acquirer.gateway.delete_customer(acquirer.names.no_customer) == CustomerGone()


def test_what_a_deleted_customer_paid_can_still_go_back(acquirer: UnderTest) -> None:
    card = acquirer.card()
    charged = acquirer.charged(card)
    acquirer.gateway.delete_customer(card.customer_ref)
    assert acquirer.gateway.fetch_charge(charged.intent_ref)[1] == charged
