"""What we rely on an acquirer for, asked of the sandbox; and of Stripe's own test mode when STRIPE_TEST_KEY is given.

The same suite is what another acquirer's gateway would have to pass."""

import os
import secrets
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from billing.acquirer.balance_port import (
    DisputeAnswer,
    DisputeState,
    FraudWarning,
    NotListed,
    PayoutAnswer,
    TakenCharge,
)
from billing.acquirer.port import (
    CardGone,
    CardPage,
    ChargeClaim,
    Charged,
    ChargeRequest,
    CustomerGone,
    Declined,
    InsufficientBalance,
    NeverArrived,
    NoSuchObject,
    NotTaken,
    PageClosed,
    PageOpen,
    PayPageRequest,
    RefundAnswer,
    RefundRefused,
    SavedCard,
    SetupExpired,
    SetupOpen,
    Unknown,
)
from billing.acquirer.stripe.gateway import StripeGateway
from billing.rules import dunning
from tests.support.sandbox import KEY, Sandbox, running

REAL_KEY = os.environ.get("STRIPE_TEST_KEY", "")
WHERE = ["sandbox", "stripe test mode"]


class Acquirer:
    """A gateway under test, with fresh names for what it makes."""

    def __init__(self, gateway: StripeGateway, sandbox: Sandbox | None) -> None:
        self.gateway = gateway
        self.sandbox = sandbox
        self.run = secrets.token_hex(6)
        self.count = 0

    def key(self) -> str:
        """A key nobody has used."""
        self.count += 1
        return f"contract-{self.run}-{self.count}"

    @property
    def now(self) -> datetime:
        """Its time."""
        return self.sandbox.now if self.sandbox else datetime.now(UTC)

    def customer(self) -> str:
        """A new customer."""
        made = self.gateway.create_customer(
            reader_id=f"rdr_{self.run}", email=f"{self.run}@example.com", key=self.key()
        )
        assert isinstance(made, str), made
        return made

    def card(self, method: str = "pm_card_visa") -> SavedCard:
        """A saved card of a new customer."""
        saved = self.gateway.save_card(customer_ref=self.customer(), method_ref=method, key=self.key())
        assert isinstance(saved, SavedCard), saved
        return saved

    def request(self, card: SavedCard, **more: object) -> ChargeRequest:
        """A charge of R75.00."""
        given = {
            "claim": ChargeClaim(f"att_{self.key()}", f"inv_{self.run}", f"sub_{self.run}", 3, 2),
            "idempotency_key": self.key(),
            "customer_ref": card.customer_ref,
            "method_ref": card.method_ref,
            "amount": 7500,
            "currency": "ZAR",
            "descriptor_suffix": None,
            "intended_at": self.now,
            **more,
        }
        return ChargeRequest(**given)  # type: ignore[arg-type]

    def charged(self, card: SavedCard, request: ChargeRequest | None = None) -> Charged:
        """A charge that goes through."""
        outcome = self.gateway.charge(request or self.request(card))
        assert isinstance(outcome, Charged), outcome
        return outcome


@pytest.fixture(scope="module")
def running_sandbox() -> Iterator[Sandbox]:
    """One sandbox for this file."""
    with running() as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running_sandbox: Sandbox) -> Iterator[Sandbox]:
    """The sandbox as at its start; what is exchanged with it is judged."""
    running_sandbox.reset()
    yield running_sandbox
    running_sandbox.check()


@pytest.fixture(params=WHERE)
def acquirer(request: pytest.FixtureRequest) -> Iterator[Acquirer]:
    """The sandbox always; Stripe itself where there is a test key."""
    if request.param == "sandbox":
        sandbox: Sandbox = request.getfixturevalue("sandbox")
        gateway = StripeGateway(secret_key=KEY, api_base=sandbox.url, webhook_secrets=["whsec_contract"])
        yield Acquirer(gateway, sandbox)
        return
    if not REAL_KEY.startswith(("sk_test_", "rk_test_")):
        pytest.skip("STRIPE_TEST_KEY isn't given, so Stripe's own test mode is not asked")
    gateway = StripeGateway(secret_key=REAL_KEY, api_base="https://api.stripe.com", webhook_secrets=[])
    yield Acquirer(gateway, None)


def test_a_card_is_saved_with_what_may_be_shown_and_nothing_more(acquirer: Acquirer) -> None:
    card = acquirer.card()
    assert (card.brand, card.last4) == ("visa", "4242")
    assert card.exp_year >= acquirer.now.year
    assert card.fingerprint
    assert card.method_ref.startswith("pm_")
    assert acquirer.gateway.fetch_card(card.method_ref) == card


def test_one_card_has_one_fingerprint_whoever_saves_it(acquirer: Acquirer) -> None:
    assert acquirer.card().fingerprint == acquirer.card().fingerprint
    assert acquirer.card().fingerprint != acquirer.card("pm_card_mastercard").fingerprint


def test_the_same_key_makes_one_customer(acquirer: Acquirer) -> None:
    key = acquirer.key()
    first, second = (
        acquirer.gateway.create_customer(reader_id="rdr_one", email="one@example.com", key=key)
        for _ in range(2)
    )
    assert first == second


@pytest.mark.parametrize("method", ["pm_card_chargeDeclined", "pm_card_chargeDeclinedInsufficientFunds"])
def test_a_card_that_is_refused_when_it_is_saved_is_an_answer(acquirer: Acquirer, method: str) -> None:
    saved = acquirer.gateway.save_card(
        customer_ref=acquirer.customer(), method_ref=method, key=acquirer.key()
    )
    assert isinstance(saved, Declined)
    assert saved.evidence.code == "card_declined"


def test_a_card_nobody_knows_is_an_answer_too(acquirer: Acquirer) -> None:
    saved = acquirer.gateway.save_card(
        customer_ref=acquirer.customer(), method_ref="pm_nobody_knows_this", key=acquirer.key()
    )
    assert isinstance(saved, Declined)


def test_a_card_that_was_removed_is_gone_and_its_charge_asks_for_another(acquirer: Acquirer) -> None:
    card = acquirer.card()
    if acquirer.sandbox is None:
        pytest.skip("the port removes no cards")
    acquirer.sandbox.banks("remove_card", payment_method=card.method_ref)
    assert acquirer.gateway.fetch_card(card.method_ref) == CardGone()
    outcome = acquirer.gateway.charge(acquirer.request(card))
    assert isinstance(outcome, Declined)
    assert dunning.kind_of(outcome.evidence) is dunning.Kind.HARD
    assert outcome.evidence.card_gone
    assert isinstance(acquirer.gateway.fetch_card("pm_nobody_knows_this"), NoSuchObject)


def test_the_card_of_another_customer_is_gone_for_this_one(acquirer: Acquirer) -> None:
    outcome = acquirer.gateway.charge(acquirer.request(acquirer.card(), customer_ref=acquirer.customer()))
    assert isinstance(outcome, Declined)
    assert outcome.evidence.card_gone


def test_a_customer_who_is_gone_is_said_to_be(acquirer: Acquirer) -> None:
    card = acquirer.card()
    assert acquirer.gateway.fetch_customer(card.customer_ref) is None
    assert acquirer.gateway.fetch_customer("cus_nobody_knows_this") == CustomerGone()
    request = acquirer.request(card)
    charged = acquirer.charged(card, request)
    if acquirer.sandbox is None:
        return
    acquirer.sandbox.banks("delete_customer", customer=card.customer_ref)
    assert acquirer.gateway.fetch_customer(card.customer_ref) == CustomerGone()
    assert acquirer.gateway.fetch_card(card.method_ref) == CardGone()
    outcome = acquirer.gateway.charge(acquirer.request(card))
    assert isinstance(outcome, Declined)
    assert outcome.evidence.card_gone
    assert acquirer.gateway.find_charge(request) == charged, "its charges are found all the same"
    assert acquirer.gateway.find_charge(acquirer.request(card)) == NeverArrived()
    saved = acquirer.gateway.save_card(
        customer_ref=card.customer_ref, method_ref="pm_card_visa", key=acquirer.key()
    )
    assert saved == CustomerGone()
    page = acquirer.gateway.open_card_page(
        setup_id="set_gone",
        subscription_id=None,
        customer_ref=card.customer_ref,
        words="R75.00 incl. VAT a month",
        success_url="https://example.com/back",
        cancel_url="https://example.com/turn",
        expires_at=acquirer.now + timedelta(hours=23),
        key=acquirer.key(),
    )
    assert page == CustomerGone()


def test_a_charge_that_is_not_made_for_another_reason_is_nobodys_decline(acquirer: Acquirer) -> None:
    request = acquirer.request(acquirer.card(), amount=1)
    outcome = acquirer.gateway.charge(request)
    assert isinstance(outcome, NotTaken)
    assert outcome.why


def test_a_charge_that_waits_for_the_reader_asks_for_the_reader(acquirer: Acquirer) -> None:
    if acquirer.sandbox is None:
        pytest.skip("no test card of Stripe's does this for certain")
    card = acquirer.card()
    acquirer.sandbox.decline(card.method_ref, "requires_action")
    request = acquirer.request(card)
    for outcome in (acquirer.gateway.charge(request), acquirer.gateway.find_charge(request)):
        assert isinstance(outcome, Declined)
        assert dunning.kind_of(outcome.evidence) is dunning.Kind.NEEDS_READER


def test_what_stripe_does_not_know_is_an_answer(acquirer: Acquirer) -> None:
    """Not doubt: it would be asked again for ever."""
    attempt_id, outcome = acquirer.gateway.fetch_charge("pi_nobody_knows_this")
    assert attempt_id is None
    assert isinstance(outcome, NoSuchObject)
    assert isinstance(acquirer.gateway.fetch_setup("cs_test_nobody_knows_this"), NoSuchObject)
    assert isinstance(acquirer.gateway.fetch_pay_page("cs_test_nobody_knows_this"), NoSuchObject)
    assert acquirer.gateway.close_pay_page("cs_test_nobody_knows_this") == PageClosed()
    assert isinstance(acquirer.gateway.fetch_refund("re_nobody_knows_this")[1], NoSuchObject)
    books = acquirer.gateway.books
    assert isinstance(books.charge("ch_nobody_knows_this"), NoSuchObject)
    assert isinstance(books.refund("re_nobody_knows_this"), NoSuchObject)
    assert isinstance(books.dispute("du_nobody_knows_this"), NoSuchObject)
    assert isinstance(books.warning("issfr_nobody_knows_this"), NoSuchObject)
    assert isinstance(books.payout("po_nobody_knows_this"), NoSuchObject)


def test_a_card_without_a_fingerprint_has_none(acquirer: Acquirer) -> None:
    if acquirer.sandbox is None:
        pytest.skip("a wallet's card needs a person")
    card = acquirer.card("pm_card_wallet")
    assert card.fingerprint is None
    assert acquirer.gateway.fetch_card(card.method_ref) == card


def test_a_charge_goes_through_once_for_its_key(acquirer: Acquirer) -> None:
    request = acquirer.request(acquirer.card(), descriptor_suffix="TRIAL OVER")
    first, again = acquirer.gateway.charge(request), acquirer.gateway.charge(request)
    assert isinstance(first, Charged)
    assert first == again
    assert first.amount == 7500
    assert abs(first.at - acquirer.now) < timedelta(minutes=5)


def test_a_charge_carries_the_evidence_that_it_continues_the_first(acquirer: Acquirer) -> None:
    assert acquirer.charged(acquirer.card()).network_transaction_id


def test_a_decline_names_its_reason_and_is_final_for_its_key(acquirer: Acquirer) -> None:
    request = acquirer.request(acquirer.card("pm_card_chargeCustomerFail"))
    first, again = acquirer.gateway.charge(request), acquirer.gateway.charge(request)
    assert isinstance(first, Declined)
    assert first.evidence.code == "card_declined"
    assert first.evidence.decline_code
    assert isinstance(again, Declined)
    assert again.intent_ref == first.intent_ref


def test_a_bank_that_wants_the_reader_says_so(acquirer: Acquirer) -> None:
    """3184 asks for the person on every charge, so it can be saved only with one; the sandbox's page stands in for that."""
    if acquirer.sandbox is None:
        pytest.skip("needs a person at Stripe's own card page")
    page = acquirer.gateway.open_card_page(
        setup_id="set_3184",
        subscription_id=None,
        customer_ref=acquirer.customer(),
        words="R75.00 incl. VAT a month",
        success_url="http://127.0.0.1:9/back",
        cancel_url="http://127.0.0.1:9/turn",
        expires_at=acquirer.now + timedelta(hours=23),
        key=acquirer.key(),
    )
    assert isinstance(page, CardPage)
    acquirer.sandbox.fill_in(page.url, "4000002760003184")
    card = acquirer.gateway.fetch_setup(page.session_ref)
    assert isinstance(card, SavedCard)
    outcome = acquirer.gateway.charge(acquirer.request(card))
    assert isinstance(outcome, Declined)
    assert dunning.kind_of(outcome.evidence) is dunning.Kind.NEEDS_READER


def test_a_charge_can_be_found_again_by_listing(acquirer: Acquirer) -> None:
    card = acquirer.card()
    requests = [acquirer.request(card) for _ in range(3)]
    made = [acquirer.charged(card, request) for request in requests]
    assert [acquirer.gateway.find_charge(request) for request in requests] == made
    assert acquirer.gateway.find_charge(acquirer.request(card)) == NeverArrived()


def test_a_declined_charge_is_found_as_declined(acquirer: Acquirer) -> None:
    request = acquirer.request(acquirer.card("pm_card_chargeCustomerFail"))
    acquirer.gateway.charge(request)
    found = acquirer.gateway.find_charge(request)
    assert isinstance(found, Declined)
    assert found.evidence.decline_code


def test_a_charge_is_fetched_with_our_attempts_name(acquirer: Acquirer) -> None:
    card = acquirer.card()
    request = acquirer.request(card)
    made = acquirer.charged(card, request)
    assert acquirer.gateway.fetch_charge(made.intent_ref) == (request.claim, made)


def test_money_goes_back_in_parts_and_never_more_than_came(acquirer: Acquirer) -> None:
    charged = acquirer.charged(acquirer.card())

    def refund(amount: int, key: str) -> RefundAnswer | RefundRefused | InsufficientBalance | Unknown:
        return acquirer.gateway.refund(
            refund_id="ref_1", cause="asked", intent_ref=charged.intent_ref, amount=amount, key=key
        )

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
def test_want_of_balance_is_told_from_a_refusal_for_good(sandbox: Sandbox, way: str, answer: type) -> None:
    acquirer = Acquirer(
        StripeGateway(secret_key=KEY, api_base=sandbox.url, webhook_secrets=["whsec_contract"]), sandbox
    )
    charged = acquirer.charged(acquirer.card())
    sandbox.banks("refunds", **{"as": way})
    made = acquirer.gateway.refund(
        refund_id="ref_1", cause="test", intent_ref=charged.intent_ref, amount=7500, key=acquirer.key()
    )
    assert isinstance(made, answer)
    if isinstance(made, RefundAnswer):
        assert (made.state, made.insufficient_balance) == ("pending", True)


def test_a_card_page_is_open_until_it_is_used_or_expired(acquirer: Acquirer) -> None:
    page = acquirer.gateway.open_card_page(
        setup_id="set_page",
        subscription_id=None,
        customer_ref=acquirer.customer(),
        words="R75.00 incl. VAT a month",
        success_url="https://example.com/back",
        cancel_url="https://example.com/turn",
        expires_at=acquirer.now + timedelta(hours=23),
        key=acquirer.key(),
    )
    assert isinstance(page, CardPage)
    assert isinstance(acquirer.gateway.fetch_setup(page.session_ref), SetupOpen)
    if acquirer.sandbox is not None:
        acquirer.sandbox.set_clock(acquirer.now + timedelta(hours=24))
        assert isinstance(acquirer.gateway.fetch_setup(page.session_ref), SetupExpired)


def test_a_pay_page_is_open_until_it_is_paid_or_closed(acquirer: Acquirer) -> None:
    def opened(claim: ChargeClaim) -> CardPage:
        page = acquirer.gateway.open_pay_page(
            PayPageRequest(
                claim=claim,
                idempotency_key=key,
                customer_ref=customer,
                amount=7500,
                currency="ZAR",
                what="One month (incl. 15% VAT)",
                words="Your subscription is charged to this card from now on.",
                descriptor_suffix="TRIAL OVER",
                success_url="https://example.com/back",
                cancel_url="https://example.com/pay",
                expires_at=expires_at,
            )
        )
        assert isinstance(page, CardPage), page
        return page

    key, customer = acquirer.key(), acquirer.customer()
    expires_at = acquirer.now + timedelta(hours=1)
    one, two = (
        ChargeClaim(f"att_{name}", "inv_1", "sub_1", 1, rung) for rung, name in ((1, "one"), (2, "two"))
    )
    page = opened(one)
    assert opened(one) == page, "one page for one key"
    assert acquirer.gateway.fetch_pay_page(page.session_ref) == PageOpen(page.url)
    assert acquirer.gateway.close_pay_page(page.session_ref) == PageClosed()
    assert acquirer.gateway.close_pay_page(page.session_ref) == PageClosed()
    if acquirer.sandbox is None:
        return  # only a person can pay on Stripe's own page
    key = acquirer.key()
    page = opened(two)
    acquirer.sandbox.fill_in(page.url, "4000002500003155")
    paid = acquirer.gateway.fetch_pay_page(page.session_ref)
    assert isinstance(paid, Charged)
    assert acquirer.gateway.close_pay_page(page.session_ref) == paid, "what is paid can't be closed"
    assert acquirer.gateway.fetch_charge(paid.intent_ref) == (two, paid)
    assert paid.card is not None
    assert acquirer.gateway.fetch_card(paid.card.method_ref) == paid.card
    assert acquirer.charged(paid.card).amount == 7500, "the card is good for charges without its owner"


def test_a_wrong_key_is_doubt_and_never_a_decline(sandbox: Sandbox) -> None:
    gateway = StripeGateway(secret_key="sk_live_not_here", api_base=sandbox.url, webhook_secrets=[])
    assert isinstance(gateway.create_customer(reader_id="r", email="r@example.com", key="k"), Unknown)
    nobody = SavedCard("cus_x", "pm_x", "visa", "4242", 1, 2030, "f")
    assert isinstance(gateway.charge(Acquirer(gateway, sandbox).request(nobody)), Unknown)


def unreachable() -> StripeGateway:
    """A gateway to where nobody listens; it tries twice, without a pause."""
    return StripeGateway(secret_key=KEY, api_base="http://127.0.0.1:9", webhook_secrets=[], waits=False)


def test_no_answer_at_all_is_doubt() -> None:
    gateway = unreachable()
    assert isinstance(gateway.fetch_card("pm_x"), Unknown)
    assert isinstance(gateway.fetch_setup("cs_x"), Unknown)
    assert isinstance(gateway.fetch_charge("pi_x")[1], Unknown)
    assert isinstance(gateway.fetch_refund("re_x")[1], Unknown)


@pytest.mark.parametrize("waits", [True, False])
def test_where_the_clock_is_held_the_second_try_follows_at_once(
    sandbox: Sandbox, waits: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []
    monkeypatch.setattr("stripe._http_client.time.sleep", waited.append)
    gateway = StripeGateway(secret_key=KEY, api_base=sandbox.url, webhook_secrets=[], waits=waits)
    sandbox.faults({"effect": "reset_before", "path": "/v1/customers", "nth": 1})
    assert isinstance(gateway.create_customer(reader_id="r", email="r@example.com", key="k"), str)
    assert len(waited) == 1
    assert (waited[0] > 0) is waits


def test_the_acquirers_books_tell_what_a_charge_and_a_refund_moved(acquirer: Acquirer) -> None:
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
        refund_id="ref_books", cause="asked", intent_ref=charged.intent_ref, amount=2500, key=acquirer.key()
    )
    assert isinstance(made, RefundAnswer)
    back = books.movements_of(made.refund_ref)
    assert not isinstance(back, Unknown)
    assert [(one.category, one.amount < 0) for one in back] == [("refund", True)]
    day = timedelta(hours=12)
    listed = books.movements(acquirer.now - day, acquirer.now + day)
    assert not isinstance(listed, Unknown)
    assert {movement.ref, back[0].ref} <= {one.ref for one in listed}
    assert sorted(one.at for one in listed) == [one.at for one in listed], "oldest first"
    seen = books.charge(charged.charge_ref)
    assert isinstance(seen, TakenCharge)
    assert (seen.intent_ref, seen.amount) == (charged.intent_ref, 7500)
    assert seen.claim


def test_a_dispute_is_seen_answered_and_decided(acquirer: Acquirer) -> None:
    if acquirer.sandbox is None:
        pytest.skip(
            "Stripe's own test mode makes the dispute some seconds later, and says so only by an event"
        )
    charged = acquirer.charged(acquirer.card("pm_card_createDispute"))
    ref = acquirer.sandbox.disputes()[0]["id"]
    books = acquirer.gateway.books
    seen = books.dispute(ref)
    assert isinstance(seen, DisputeAnswer)
    assert (seen.charge_ref, seen.amount, seen.reason) == (charged.charge_ref, 7500, "fraudulent")
    assert (seen.state, seen.inquiry) == (DisputeState.NEEDS_ANSWER, False)
    key = acquirer.key()
    words = {"uncategorized_text": "losing_evidence", "customer_email_address": "one@example.com"}
    first, again = (books.send_evidence(ref, words, key=key) for _ in range(2))
    assert isinstance(first, DisputeAnswer)
    assert first == again
    assert first.state is DisputeState.LOST
    assert isinstance(books.send_evidence(ref, words, key=acquirer.key()), Unknown), "a bank takes one answer"


def test_a_warning_and_a_payout_are_fetched(acquirer: Acquirer) -> None:
    if acquirer.sandbox is None:
        pytest.skip("Stripe's own test mode pays out days later")
    acquirer.sandbox.set_clock(acquirer.sandbox.now)
    charged = acquirer.charged(acquirer.card("pm_card_createIssuerFraudRecord"))
    books = acquirer.gateway.books
    warning = books.warning(acquirer.sandbox.objects("radar.early_fraud_warning")[0]["id"])
    assert isinstance(warning, FraudWarning)
    assert (warning.charge_ref, warning.actionable) == (charged.charge_ref, True)
    acquirer.sandbox.advance(days=9)
    payout = books.payout(acquirer.sandbox.payouts()[0]["id"])
    assert isinstance(payout, PayoutAnswer)
    inside = books.movements_in(payout.payout_ref)
    assert isinstance(inside, list)
    assert {one.category for one in inside} == {"charge", "payout"}
    assert payout.amount == sum(one.net for one in inside if one.category == "charge")


def test_only_a_payout_that_is_never_itemised_has_no_list(acquirer: Acquirer) -> None:
    """Any other refusal may be another tomorrow; the sum of its list is still to be compared."""
    books = acquirer.gateway.books
    assert isinstance(books.movements_in("po_nobody"), Unknown)
    if acquirer.sandbox is None:
        pytest.skip("Stripe's own test mode pays out days later")
    acquirer.sandbox.set_clock(acquirer.sandbox.now)
    acquirer.sandbox.banks("payouts", schedule="manual")
    acquirer.charged(acquirer.card())
    acquirer.sandbox.advance(days=9)
    by_hand = acquirer.sandbox.banks("pay_out", method="standard")
    assert books.movements_in(by_hand["id"]) == NotListed()


def test_what_banks_object_to_is_listed_by_when_it_came(acquirer: Acquirer) -> None:
    books, day = acquirer.gateway.books, timedelta(hours=12)
    around = (acquirer.now - day, acquirer.now + day)
    if acquirer.sandbox is None:
        assert not isinstance(books.disputes_since(*around), Unknown)
        assert not isinstance(books.warnings_since(*around), Unknown)
        return
    refs = []
    for card in ("pm_card_createDispute", "pm_card_createDisputeInquiry", "pm_card_createIssuerFraudRecord"):
        acquirer.charged(acquirer.card(card))
        acquirer.sandbox.advance(minutes=1)
    refs = [one["id"] for one in sorted(acquirer.sandbox.disputes(), key=lambda one: one["created"])]
    (warned,) = (one["id"] for one in acquirer.sandbox.objects("radar.early_fraud_warning"))
    assert (len(refs), books.disputes_since(*around)) == (2, refs), "oldest first"
    assert books.warnings_since(*around) == [warned]
    second = datetime.fromtimestamp(books.dispute(refs[1]).opened_at.timestamp(), UTC)  # type: ignore[union-attr]
    assert books.disputes_since(around[0], second) == refs[:1], "until just before"
    assert books.disputes_since(second, around[1]) == refs[1:]
    assert books.warnings_since(around[0], second) == []


def test_books_that_do_not_answer_are_doubt() -> None:
    books = unreachable().books
    now = datetime.now(UTC)
    assert isinstance(books.movements(now - timedelta(days=1), now), Unknown)
    assert isinstance(books.dispute("du_x"), Unknown)
    assert isinstance(books.disputes_since(now - timedelta(days=1), now), Unknown)
    assert isinstance(books.warnings_since(now - timedelta(days=1), now), Unknown)
    assert isinstance(books.payout("po_x"), Unknown)
