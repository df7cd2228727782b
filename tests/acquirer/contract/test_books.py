"""The contract of an acquirer: its books, and banks' acts on charges."""

from datetime import UTC, datetime, timedelta

from billing.acquirer.answers import NoSuchObject, RefundAnswer, RefundRequest, Unknown
from billing.acquirer.balance_port import (
    DisputeAnswer,
    DisputeState,
    FraudWarning,
    NotListed,
    PayoutAnswer,
    TakenCharge,
)
from billing.acquirer.evidence_port import EvidenceField, EvidenceFile
from tests.acquirer.contract.under_test import OtherSide, UnderTest

HALF_A_DAY = timedelta(hours=12)


def test_books_tell_what_a_charge_and_a_refund_moved(acquirer: UnderTest) -> None:
    charged = acquirer.charged(acquirer.card())
    books = acquirer.gateway.books
    moved = books.movements_of(charged.charge_ref)
    assert not isinstance(moved, Unknown)
    (movement,) = moved
    assert (movement.category, movement.source_ref) == ("charge", charged.charge_ref)
    assert movement.net == movement.amount - movement.fee
    if movement.currency == "ZAR":
        assert movement.amount == 7500
    made = acquirer.gateway.refund(
        RefundRequest("ref_books", "asked", charged.intent_ref, 2500, acquirer.key())
    )
    assert isinstance(made, RefundAnswer)
    back = books.movements_of(made.refund_ref)
    assert not isinstance(back, Unknown)
    assert [(one.category, one.amount < 0) for one in back] == [("refund", True)]
    listed = books.movements(acquirer.now - HALF_A_DAY, acquirer.now + HALF_A_DAY)
    assert not isinstance(listed, Unknown)
    assert {movement.ref, back[0].ref} <= {one.ref for one in listed}
    assert sorted(one.at for one in listed) == [one.at for one in listed], "oldest first"
    seen = books.charge(charged.charge_ref)
    assert isinstance(seen, TakenCharge)
    assert (seen.intent_ref, seen.amount) == (charged.intent_ref, 7500)
    assert seen.claim


def test_what_the_books_do_not_have_is_an_answer(acquirer: UnderTest) -> None:
    books, names = acquirer.gateway.books, acquirer.names
    assert isinstance(books.charge(names.no_taken_charge), NoSuchObject)
    assert isinstance(books.refund(names.no_refund), NoSuchObject)
    assert isinstance(books.dispute(names.no_dispute), NoSuchObject)
    assert isinstance(books.warning(names.no_warning), NoSuchObject)
    assert isinstance(books.payout(names.no_payout), NoSuchObject)


def test_a_dispute_is_seen_answered_and_decided(acquirer: UnderTest, other: OtherSide) -> None:
    charged = acquirer.charged(acquirer.card(acquirer.names.disputed))
    (ref,) = other.disputes()
    books = acquirer.gateway.books
    seen = books.dispute(ref)
    assert isinstance(seen, DisputeAnswer)
    assert (seen.charge_ref, seen.amount, seen.reason) == (charged.charge_ref, 7500, "fraudulent")
    assert (seen.state, seen.inquiry) == (DisputeState.NEEDS_ANSWER, False)
    key = acquirer.key()
    document = books.upload_evidence("receipt", b"%PDF-1.7 a receipt")
    assert isinstance(document, str)
    words = {EvidenceField.WORDS: "losing_evidence", EvidenceField.EMAIL: "one@example.com"}
    files = {EvidenceFile.RECEIPT: document}
    first, again = (books.send_evidence(ref, words, files, key=key) for _ in range(2))
    assert isinstance(first, DisputeAnswer)
    assert first == again
    assert first.state is DisputeState.LOST
    assert isinstance(books.send_evidence(ref, words, {}, key=acquirer.key()), Unknown), (
        "a bank takes one answer"
    )


def test_a_warning_and_a_payout_are_fetched(acquirer: UnderTest, other: OtherSide) -> None:
    other.pass_time(timedelta())
    charged = acquirer.charged(acquirer.card(acquirer.names.warned))
    books = acquirer.gateway.books
    (warned,) = other.warnings()
    warning = books.warning(warned)
    assert isinstance(warning, FraudWarning)
    assert (warning.charge_ref, warning.actionable) == (charged.charge_ref, True)
    other.pass_time(timedelta(days=9))
    payout = books.payout(other.payouts()[0])
    assert isinstance(payout, PayoutAnswer)
    inside = books.movements_in(payout.payout_ref)
    assert isinstance(inside, list)
    assert {one.category for one in inside} == {"charge", "payout"}
    assert payout.amount == sum(one.net for one in inside if one.category == "charge")


def test_only_a_payout_that_is_never_itemised_has_no_list(acquirer: UnderTest, other: OtherSide) -> None:
    """Any other refusal may end tomorrow, so the sum of its list still has to be compared."""
    books = acquirer.gateway.books
    assert isinstance(books.movements_in(acquirer.names.no_payout), Unknown)
    other.pass_time(timedelta())
    other.pay_out_manually_only()
    acquirer.charged(acquirer.card())
    other.pass_time(timedelta(days=9))
    assert books.movements_in(other.pay_out()) == NotListed()


def test_what_banks_object_to_can_be_listed(acquirer: UnderTest) -> None:
    books, around = acquirer.gateway.books, (acquirer.now - HALF_A_DAY, acquirer.now + HALF_A_DAY)
    assert not isinstance(books.disputes_since(*around), Unknown)
    assert not isinstance(books.warnings_since(*around), Unknown)


def test_what_banks_object_to_is_listed_by_when_it_came(acquirer: UnderTest, other: OtherSide) -> None:
    books, names = acquirer.gateway.books, acquirer.names
    around = (acquirer.now - HALF_A_DAY, acquirer.now + HALF_A_DAY)
    for card in (names.disputed, names.inquired, names.warned):
        acquirer.charged(acquirer.card(card))
        other.pass_time(timedelta(minutes=1))
    refs = other.disputes()
    assert (len(refs), books.disputes_since(*around)) == (2, refs), "oldest first"
    assert books.warnings_since(*around) == other.warnings()
    second = datetime.fromtimestamp(books.dispute(refs[1]).opened_at.timestamp(), UTC)  # type: ignore[union-attr]
    assert books.disputes_since(around[0], second) == refs[:1], "until just before"
    assert books.disputes_since(second, around[1]) == refs[1:]
    assert books.warnings_since(around[0], second) == []
