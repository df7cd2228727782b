"""A bank disputes a charge: the effects for reader, staff, card and books."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from stripe import StripeClient

from tests.support.browser import Browser
from tests.support.disputed_charge import CHARGE_DAY, READER, charged, only_dispute
from tests.support.leaps import leap_to
from tests.support.signed_in import signed_in
from tests.support.staff_members import SignIn
from tests.support.starting_points import Subscriber, subscriber
from tests.support.world import World, local

DISPUTES = "pm_card_createDispute"


MakeWorld = Callable[..., World]


@pytest.fixture
def left_at_once(world: World, paid: Subscriber) -> Subscriber:
    """A reader who has paid and left."""

    def leave() -> None:
        body = {"when": "now", "refund": "none"}
        world.api.post(f"/v1/subscriptions/{paid.subscription_id}/cancel", json=body).raise_for_status()

    world.once("leaves at once", leave)
    return paid


def ledger(world: World, *accounts: str) -> dict[str, int]:
    """The balances of some accounts, in cents."""
    rows = world.rows("SELECT account, sum(amount) AS cents FROM ledger_entry GROUP BY account")
    found = {row["account"]: int(row["cents"]) for row in rows}
    return {account: found.get(account, 0) for account in accounts}


def mail(world: World, subject: str) -> str:
    """The text of the newest mail with this in its subject, on one line."""
    return " ".join(world.letter(READER, subject).text.split())


def refuse_refund(world: World) -> str:
    """The code with which giving money back is refused."""
    payment = world.rows("SELECT id FROM payment ORDER BY id")[0]["id"]
    answer = world.api.post(f"/v1/payments/{payment}/refunds", json={"reason": "please"})
    return str(answer.json().get("code", answer.status_code))


def test_a_dispute_stops_renewals_keeps_evidence_and_refuses_refunds(make_world: MakeWorld) -> None:
    world = make_world(local(2027, 3, 1, 10), dispute_answer_days=0)
    article = world.articles["metered"][0]
    with world.browser() as browser:
        browser.sign_in(READER)
        assert browser.get(f"/articles/{article}").status == 200
        started = world.start_trial(READER, DISPUTES)
        for days in range(3):
            world.advance_to(local(2027, 3, 3 + days, 8))
            for _ in range(4):
                browser.get(f"/articles/{world.articles['subscriber'][0]}")
    leap_to(world, CHARGE_DAY, days=9)
    subscription = str(started["subscription"]["id"])
    row = only_dispute(world)
    assert (row["state"], row["reason"], row["amount"], row["inquiry"]) == (
        "needs_answer",
        "fraudulent",
        7500,
        False,
    )
    assert ledger(world, "disputes") == {"disputes": 7500}
    assert refuse_refund(world) == "charge_disputed"
    assert world.sandbox.refunds() == []
    shown = world.subscription(subscription)
    assert (shown["status"], shown["next_charge"]) == ("active", None)
    assert "disputed" in world.mail_kinds(READER)
    evidence = row["evidence"]
    assert [one["from"] for one in evidence["consents"]] == ["196.25.1.9"]
    assert [one["mail"] for one in evidence["mails"]].count("trial notice") == 2
    assert evidence["charge"]["invoice"] == "INV-000001"
    assert evidence["email"] == READER
    [sign_in] = evidence["sign-ins"]
    assert (sign_in["last seen"][:10], sign_in["times seen, an hour or more apart"]) == ("2027-03-05", 4)
    assert evidence["reading"] == [{"day": "2027-03-01", "metered articles": 1}], "days and counts, no titles"
    world.advance_to(local(2027, 4, 17))
    assert len(world.charges()) == 1, "nothing more is charged"
    assert world.mail_kinds(READER).count("disputed") == 2, "that it stops, and that reading has ended"


def test_silence_loses_and_reading_ends_with_the_decision(make_world: MakeWorld) -> None:
    world = make_world(dispute_answer_days=0)
    payer = subscriber(world, "paid")
    subscription, reader_id = payer.subscription_id, payer.reader_id
    world.sandbox.banks("dispute", charge=world.charges()[0]["id"])
    world.settle()
    article = world.articles["subscriber"][0]
    assert world.access(article, reader_id)["allowed"], "until it is decided"
    gift = world.api.post(f"/v1/articles/{article}/gifts", json={"reader_id": reader_id}).json()
    stopped_at = world.subscription(subscription)["cancel_requested_at"]
    leap_to(world, world.now + timedelta(days=8))
    assert world.access(article, reader_id)["allowed"]
    given = {"gift": gift["token"]}
    assert world.api.get(f"/v1/access/{article}", params=given).json()["reason"] == "gift"
    world.advance(days=1, minutes=1)
    row = only_dispute(world)
    assert row["state"] == "lost"
    after = world.subscription(subscription)
    assert (after["status"], after["cancel_requested_at"]) == ("ended", stopped_at), (
        "as it was stopped before"
    )
    assert "15 April 2027" in mail(world, "will not be renewed")
    assert "Reading for subscribers has stopped" in mail(world, "has ended")
    assert world.access(article, reader_id)["reason"] == "subscribe"
    over = world.api.get(f"/v1/access/{article}", params=given).json()["reason"]
    assert over == "subscribe", "what was given with money that a fraud paid is given no more (PW-8)"
    assert ledger(world, "disputes", "refunds") == {"disputes": 0, "refunds": 7500}
    assert refuse_refund(world) == "charge_disputed", "the bank has paid it back already"


def test_a_dispute_that_is_won_is_as_if_it_had_not_been(world: World, staff: SignIn) -> None:
    subscription = charged(world, DISPUTES)
    reader = world.browser()
    reader.sign_in(READER)
    page = reader.get("/account")
    assert "Your bank has asked for R75.00 incl. VAT back" in page.words
    stopped = (
        "It is not renewed, because a bank questions a payment; you can read through Thursday 15 April 2027."
    )
    assert stopped in page.words
    assert "Keep my subscription" not in page.words
    undo = world.api.post(f"/v1/subscriptions/{subscription}/resume", json={})
    assert (undo.status_code, undo.json()["code"]) == (409, "dispute_open")

    finance = staff("finance")
    row = only_dispute(world)
    page = staff("support").get(f"/staff/readers/{row['reader_id']}")
    assert (stopped in page.words, "Take the cancellation back" in page.words) == (True, False)
    page = finance.get(f"/staff/readers/{row['reader_id']}/disputes/{row['id']}")
    assert "fraudulent" in page.words
    assert "trial notice" in page.words
    finance.post(
        f"/staff/readers/{row['reader_id']}/disputes/{row['id']}/answer", words="Read daily. winning"
    )
    world.settle()
    assert only_dispute(world)["state"] == "answered"
    sent = world.sandbox.disputes()[0]["evidence"]
    assert sent["customer_email_address"] == READER
    assert "196.25.1.9" in sent["customer_purchase_ip"]
    assert "Read daily." in sent["uncategorized_text"]

    world.sandbox.banks("win", dispute=row["gateway_ref"])
    world.settle()
    assert only_dispute(world)["state"] == "won"
    assert ledger(world, "disputes") == {"disputes": 0}
    assert "Your bank has asked" not in reader.get("/account").words
    reader.undo("/account/resume")
    assert world.subscription(subscription)["next_charge"] is not None
    payment = world.rows("SELECT id FROM payment")[0]["id"]
    world.api.post(f"/v1/payments/{payment}/refunds", json={"reason": "kind"}).raise_for_status()
    world.settle()
    assert [one["status"] for one in world.sandbox.refunds()] == ["succeeded"]


def test_an_inquiry_takes_nothing_and_may_be_answered_with_a_refund(world: World) -> None:
    charged(world, "pm_card_createDisputeInquiry")
    assert (only_dispute(world)["inquiry"], only_dispute(world)["state"]) == (True, "needs_answer")
    assert ledger(world, "disputes") == {"disputes": 0}
    assert refuse_refund(world) == "201", "that is the best answer to an inquiry"
    leap_to(world, world.now + timedelta(days=10))
    assert only_dispute(world)["state"] == "closed"
    assert len(world.charges()) == 1


@pytest.mark.prove
def test_an_inquiry_that_becomes_a_chargeback_takes_the_money_then(world: World) -> None:
    charged(world, "pm_card_createDisputeInquiry")
    world.sandbox.banks("lose", dispute=only_dispute(world)["gateway_ref"])
    world.settle()
    assert (only_dispute(world)["inquiry"], only_dispute(world)["state"]) == (False, "needs_answer")
    assert ledger(world, "disputes") == {"disputes": 7500}
    assert refuse_refund(world) == "charge_disputed"


@pytest.mark.prove
def test_news_out_of_order_twice_and_late_comes_to_the_same(world: World, notified: Subscriber) -> None:
    """The closing event arrives first, then the rest twice. The charge's own event never arrives."""
    world.advance_to(local(2027, 3, 16, 8, 59))
    world.sandbox.faults(
        {"method": "POST", "path": "/v1/payment_intents", "effect": "timeout_after", "seconds": 1, "times": 1}
    )
    world.sandbox.trouble(
        {"type": "payment_intent.*", "effect": "drop"}, {"type": "charge.*", "effect": "reorder"}
    )
    world.advance_to(CHARGE_DAY)
    (charge,) = world.sandbox.charges()
    made = world.sandbox.banks("dispute", charge=charge["id"], reason="subscription_canceled")
    world.sandbox.banks("lose", dispute=made["id"])
    for event in world.sandbox.events():
        if event["type"].startswith("charge.dispute"):
            world.sandbox.resend(event["id"], copies=2)
    world.settle()
    world.sandbox.trouble()
    world.sandbox.faults()
    world.settle()
    assert only_dispute(world)["state"] == "lost"
    assert world.mail_kinds(READER).count("disputed") == 1
    assert "Reading for subscribers has stopped" in mail(world, "has ended")
    assert ledger(world, "disputes", "refunds") == {"disputes": 0, "refunds": 7500}
    assert world.subscription(notified.subscription_id)["status"] == "ended"
    assert [
        row["kind"]
        for row in world.rows("SELECT kind FROM ledger_transaction WHERE kind LIKE 'dispute%' ORDER BY id")
    ] == ["dispute", "dispute_lost"]


@pytest.mark.prove
def test_a_trial_of_a_reader_whose_older_charge_is_disputed_is_never_charged(
    world: World, left_at_once: Subscriber
) -> None:
    """A bank may dispute months later, when the reader has begun another trial."""
    reader_id = left_at_once.reader_id
    world.api.post(f"/v1/readers/{reader_id}/trial-exceptions", json={"reason": "kind"}).raise_for_status()
    again = world.start_trial(READER, "pm_card_mastercard")["subscription"]["id"]
    world.advance(days=2)
    world.sandbox.banks("dispute", charge=world.charges()[0]["id"])
    world.settle()
    shown = world.subscription(again)
    assert (shown["status"], shown["next_charge"]) == ("trialing", None)
    world.advance(days=60)
    assert len(world.charges()) == 1


def paid_start(world: World) -> Browser:
    """A browser in which the reader is signed in, at the review of a start without a trial."""
    browser = signed_in(world, READER)
    browser.get("/subscribe")
    browser.post("/subscribe/without-trial")
    return browser


def test_nothing_starts_while_a_dispute_is_open_and_all_may_once_it_is_decided(
    world: World, left_at_once: Subscriber
) -> None:
    early = world.browser()
    early.again("/subscribe").post("/subscribe", email=READER)
    card_page = early.open_card_page()
    world.sandbox.banks("dispute", charge=world.charges()[0]["id"])
    world.settle()

    back = early.get(world.sandbox.fill_in(card_page))
    assert "One more step" in back.words
    assert "bank" not in back.words, "anybody may type an address"
    back = early.prove()
    assert (back.status, "Nothing can start just now" in back.words) == (409, True)
    page = early.get("/subscribe")
    assert (page.status, "Your bank has asked for a payment back" in page.words) == (409, True)
    world.api.post(
        f"/v1/readers/{left_at_once.reader_id}/trial-exceptions", json={"reason": "kind"}
    ).raise_for_status()
    answer = world.try_trial(READER, "pm_card_mastercard")
    assert (answer.status_code, answer.json()["code"]) == (409, "dispute_open")
    world.settle()
    assert len(world.charges()) == 1
    assert world.rows("SELECT state FROM subscription") == [{"state": "ended"}]

    world.sandbox.banks("win", dispute=only_dispute(world)["gateway_ref"])
    world.settle()
    assert world.try_trial(READER, "pm_card_mastercard").status_code == 201


def test_a_decision_stops_nobody_who_began_anew_before_we_heard_of_it(
    world: World, left_at_once: Subscriber
) -> None:
    """All events of a dispute arrive together after its end. They don't concern the current subscription."""
    world.sandbox.trouble({"type": "charge.dispute.*", "effect": "drop"})
    made = world.sandbox.banks("dispute", charge=world.charges()[0]["id"])
    world.sandbox.banks("lose", dispute=made["id"])
    browser = paid_start(world)
    assert browser.agree_and_pay().path == "/subscribe/started"
    world.sandbox.trouble()
    for event in world.sandbox.events():
        if event["type"].startswith("charge.dispute"):
            world.sandbox.resend(event["id"])
    world.settle()
    assert only_dispute(world)["state"] == "lost"
    (runs,) = world.rows(
        "SELECT id FROM subscription WHERE state <> 'ended' AND reader_id = :of", of=left_at_once.reader_id
    )
    assert world.subscription(runs["id"])["next_charge"] is not None
    assert "disputed" not in world.mail_kinds(READER)


def test_an_early_fraud_warning_stops_renewals_and_proposes_a_refund(world: World, staff: SignIn) -> None:
    subscription = charged(world, "pm_card_createIssuerFraudRecord")
    assert world.subscription(subscription)["next_charge"] is None
    (case,) = world.rows("SELECT * FROM staff_case")
    assert case["kind"] == "fraud_warning"
    assert case["facts"]["evidence"]["email"] == READER
    finance = staff("finance")
    page = finance.get("/staff/cases")
    assert "calls a charge fraudulent" in page.words
    page = finance.get(f"/staff/cases/{case['id']}")
    assert case["link"] in page.text
    finance.get(case["link"])
    finance.post(case["link"].partition("?")[0], step="preview")
    finance.post(case["link"].partition("?")[0], step="confirm", reason="fraud")
    world.advance(minutes=1)  # a refund by staff can be undone for so long
    assert [one["amount"] for one in world.sandbox.refunds()] == [7500]
    world.sandbox.resend(
        next(e["id"] for e in world.sandbox.events() if e["type"].startswith("radar.")), copies=2
    )
    world.settle()
    assert len(world.rows("SELECT id FROM staff_case")) == 1


def test_a_dispute_of_a_charge_that_is_not_ours_opens_a_case(world: World) -> None:
    stripe: Any = world.sandbox.client()
    assert isinstance(stripe, StripeClient)
    customer = stripe.v1.customers.create({"email": "stranger@example.com"})
    stripe.v1.payment_intents.create(
        {"amount": 9900, "currency": "zar", "customer": customer.id, "confirm": True,
         "payment_method": "pm_card_createDispute", "return_url": "https://paper.example/"}
    )  # fmt: skip
    world.settle()
    assert world.rows("SELECT * FROM dispute") == []
    (case,) = world.rows("SELECT kind, theirs, what FROM staff_case")
    assert (case["kind"], case["theirs"]) == ("unknown_dispute", -9900)
    assert "R99.00" in case["what"]


@pytest.mark.parametrize(("how", "cases"), [("pending", []), ("pending_fails", ["refund_failed"])])
def test_a_refund_that_waits_ends_with_a_credit_note_or_with_a_case(
    world: World, paid: Subscriber, how: str, cases: list[str]
) -> None:
    world.sandbox.banks("refunds", **{"as": how})
    assert refuse_refund(world) == "201"
    world.settle()
    (refund,) = world.rows("SELECT state, credit_note_number FROM refund")
    assert (refund["state"], refund["credit_note_number"]) == ("pending", None)
    world.advance(days=2)
    (refund,) = world.rows("SELECT state, credit_note_number FROM refund")
    assert refund["state"] == ("failed" if cases else "succeeded")
    assert (refund["credit_note_number"] == 1) is not bool(cases)
    assert [row["kind"] for row in world.rows("SELECT kind FROM staff_case")] == cases
