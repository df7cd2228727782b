"""One trial a person, by card and by every spelling of an address. The refusal is friendly and offers alternatives."""

import pytest

from tests.support.cancel_helpers import cancel
from tests.support.signed_in import signed_in
from tests.support.starting_points import Subscriber
from tests.support.world import World, local

SPELLINGS = [
    ("naledi.m@gmail.com", "N.a.l.e.d.i.M+news@googlemail.com"),
    ("sipho@example.com", "SIPHO+paper@EXAMPLE.com"),
    ("zoe@example.com", "Zoe@example.com"),
]


@pytest.mark.parametrize(("first", "again"), SPELLINGS)
def test_an_address_has_one_trial_however_it_is_spelled(world: World, first: str, again: str) -> None:
    subscription = world.start_trial(first)["subscription"]["id"]
    cancel(world, subscription, when="now")
    answer = world.try_trial(again, "pm_card_visa__other")
    assert (answer.status_code, answer.json()["code"]) == (409, "trial_used")

    browser = world.browser()
    browser.start(again, "4242424242424242__new")
    page = browser.prove()
    assert page.status == 409
    assert "Welcome back" in page.words
    assert "Nothing has been charged" in page.words
    assert "Continue without a trial" in page.words
    world.settle()
    assert world.sandbox.charges() == []


def test_a_card_has_one_trial_and_the_same_card_starts_without_one_at_once(
    world: World, in_trial: Subscriber
) -> None:
    world.advance(days=2)
    browser = world.browser()
    browser.start("second@example.com")
    refused = browser.prove()
    assert refused.status == 409
    assert "This card has had its free trial" in refused.words
    assert world.rows("SELECT count(*) AS n FROM subscription")[0]["n"] == 1

    review = browser.post("/subscribe/without-trial")
    assert review.path == "/subscribe/review"
    for words in ("Today R75.00", "R9.78 VAT", "next on Saturday 3 April 2027", "charge my card R75.00"):
        assert words in review.words
    sessions_before = len(world.sandbox.objects("checkout.session"))
    started = browser.post("/subscribe/review", consent="yes")
    assert started.path == "/subscribe/started", "the card was saved before: no second card page"
    assert len(world.sandbox.objects("checkout.session")) == sessions_before
    assert "We have charged R75.00" in started.words
    assert world.charged_at() == ["2027-03-03 10:00"]

    account = browser.get("/account")
    assert "Your subscription is paid through Friday 2 April 2027." in account.words, "and signed in"
    world.settle()
    assert sorted(world.mail_kinds("second@example.com")) == ["receipt", "sign_in_link"]
    assert "INV-000001" in world.letters("second@example.com")[-1].text
    assert "TRIAL" not in world.charges()[0]["calculated_statement_descriptor"]
    cancel(world, in_trial.subscription_id, when="now")
    world.advance_to(local(2027, 4, 3, 9))
    reader = world.rows("SELECT id FROM reader WHERE email = 'second@example.com'")[0]["id"]
    assert world.charged_at(of=reader) == ["2027-03-03 10:00", "2027-04-03 09:00"]


def test_after_a_used_card_another_one_still_gets_the_trial(world: World, in_trial: Subscriber) -> None:
    browser = world.browser()
    browser.start("second@example.com")
    assert browser.prove().status == 409
    browser.get("/subscribe/review")
    page = browser.agree_and_pay("5555555555554444")
    assert page.path == "/subscribe/started"
    assert "Monday 15 March 2027" in page.words
    assert browser.get("/account").status == 200


def test_whoever_had_a_trial_comes_back_without_one_and_is_charged_today(
    world: World, in_trial: Subscriber
) -> None:
    cancel(world, in_trial.subscription_id)
    world.advance_to(local(2027, 3, 17))
    assert world.rows("SELECT 1 FROM subscription WHERE state <> 'ended'") == []
    world.skip_to(local(2027, 5, 30, 8))  # to a month's end; nothing of the reader's is due
    world.advance_to(local(2027, 5, 31, 8))
    browser = signed_in(world, in_trial.email)
    browser.get("/subscribe")
    browser.post("/subscribe/without-trial")
    page = browser.agree_and_pay()
    assert "We have charged R75.00" in page.words
    assert "next charge is on Wednesday 30 June 2027" in page.words
    world.settle()
    assert world.mail_kinds(in_trial.email)[-1] == "receipt"
    world.advance_to(local(2027, 7, 31, 12))
    assert world.charged_at() == ["2027-05-31 08:00", "2027-06-30 09:00", "2027-07-31 09:00"]


def test_a_trial_that_was_had_is_never_charged_without_another_consent(
    world: World, in_trial: Subscriber
) -> None:
    """The first review offered free days. Only consent to one that names today's charge starts anything."""
    cancel(world, in_trial.subscription_id, when="now")
    browser = world.browser()
    browser.start(in_trial.email, "5555555555554444")
    back = f"/subscribe/back?setup={browser.http.cookies['masthead-setup']}"
    assert "this address has had it before" in browser.prove().words
    assert browser.get(back).status == 409
    assert "Today R75.00" in browser.post("/subscribe/without-trial").words
    assert browser.post("/subscribe/review").status == 422
    world.advance(days=40)
    assert world.charges() == []
    assert world.rows("SELECT id FROM consent WHERE kind = 'paid'") == []


@pytest.mark.rare
def test_a_start_without_trial_that_is_declined_leaves_nothing_running(
    world: World, in_trial: Subscriber
) -> None:
    cancel(world, in_trial.subscription_id, when="now")
    browser = signed_in(world, in_trial.email)
    browser.get("/subscribe")
    browser.post("/subscribe/without-trial")
    page = browser.agree_and_pay("4000000000000341")
    assert page.status == 402
    assert "Nothing has been charged, and your subscription has not started." in page.words
    assert world.rows("SELECT count(*) AS n FROM subscription WHERE state <> 'ended'") == [{"n": 0}]
    assert world.rows("SELECT state FROM invoice") == [{"state": "void"}]

    browser.get("/subscribe/review")
    page = browser.agree_and_pay("5555555555554444")
    assert "We have charged R75.00" in page.words
    world.advance_to(local(2027, 3, 31, 12))
    assert world.charged_at() == ["2027-03-01 10:00"]
    assert world.mail_kinds(in_trial.email).count("receipt") == 1
    assert "payment_failed" not in world.mail_kinds(in_trial.email)


def test_the_api_refuses_by_name_and_changes_nothing(world: World) -> None:
    world.start_trial("naledi@example.com", "pm_card_visa", external_id="crm-1")
    tries: list[tuple[tuple[str, str], dict[str, object], int, str]] = [
        (("naledi@example.com", "pm_card_visa__2"), {}, 409, "already_subscribed"),
        (("other@example.com", "pm_card_visa"), {}, 409, "trial_used"),
        (("other@example.com", "pm_card_visa__3"), {"external_id": "crm-1"}, 409, "external_id_taken"),
        (("lost@example.com", "pm_card_chargeDeclinedLostCard"), {}, 402, "card_declined"),
        (("no@example.com", "pm_card_unheard_of"), {}, 402, "card_declined"),
        (("not an address", "pm_card_visa__4"), {}, 422, "bad_address"),
        (("a@example.com\r\nBcc: b@example.com", "pm_card_visa__4"), {}, 422, "bad_address"),
        (("x@example.com", "no spaces here"), {}, 422, "invalid"),
        (("x@example.com", "pm_card_visa__5"), {"colour": "red"}, 422, "invalid"),
        (("x@example.com", "pm_card_visa__5"), {"consent": {"text_version": "1"}}, 422, "invalid"),
    ]
    for (email, card), more, status, code in tries:
        answer = world.try_trial(email, card, **more)
        assert (answer.status_code, answer.json()["code"]) == (status, code), (email, card)
        assert answer.headers["content-type"] == "application/problem+json"
    assert world.rows("SELECT count(*) AS n FROM subscription") == [{"n": 1}]
    lost = world.try_trial("lost@example.com", "pm_card_chargeDeclinedLostCard").text.lower()
    assert (
        "lost" not in world.try_trial("lost@example.com", "pm_card_chargeDeclinedLostCard").json()["detail"]
    )
    assert "card" in lost


def test_a_consent_from_the_future_is_no_consent(world: World) -> None:
    consent = {"text_version": "1", "ip": "196.25.1.9", "user_agent": "A"}
    future = consent | {"accepted_at": "2027-03-01T08:05:01Z"}
    answer = world.try_trial("a@example.com", consent=future)
    assert (answer.status_code, answer.json()["code"]) == (422, "future_consent")
    past = consent | {"accepted_at": "2027-03-01T07:59:00Z"}
    assert world.try_trial("a@example.com", consent=past).status_code == 201
    kept = world.rows("SELECT * FROM consent")[0]
    assert (kept["amount"], kept["text_version"], kept["ip"]) == (7500, "1", "196.25.1.9")
    assert kept["accepted_at"].isoformat().startswith("2027-03-01T07:59:00")
    assert kept["first_charge_on"].isoformat() == "2027-03-16"
    assert kept["reader_id"] is not None


def test_the_same_idempotency_key_starts_one_trial_and_answers_alike(world: World) -> None:
    consent = {
        "text_version": "1",
        "accepted_at": "2027-03-01T07:00:00Z",
        "ip": "196.25.1.9",
        "user_agent": "A",
    }
    body = {"email": "a@example.com", "payment_method": "pm_card_visa", "consent": consent}
    key = {"Idempotency-Key": "start-a"}
    first = world.api.post("/v1/trials", json=body, headers=key)
    again = world.api.post("/v1/trials", json=body, headers=key)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert again.headers["idempotent-replayed"] == "true"
    other = world.api.post("/v1/trials", json=body | {"email": "b@example.com"}, headers=key)
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_mismatch")
    assert world.rows("SELECT count(*) AS n FROM subscription") == [{"n": 1}]
