"""The yearly plan, told as a calendar: announced 80 to 40 business days ahead, then by the month; left early, the rest goes back."""

from datetime import date, timedelta

import pytest

from billing.rules import business_days
from tests.support.world import World, local

EMAIL = "pieter@example.com"


def test_a_year_and_what_follows_it(make_world) -> None:  # type: ignore[no-untyped-def]
    world: World = make_world(local(2027, 1, 17, 10))
    browser = world.browser()
    offer = browser.get("/")
    assert "R750.00 incl. VAT a year" in offer.words
    browser.get("/subscribe?plan=yearly")
    browser.post("/subscribe", email=EMAIL)
    assert "14 days free, then R750.00 a year incl. VAT" in browser.page.words
    assert "It never becomes another year by itself" in browser.page.words
    started = browser.agree_and_pay()
    assert "R750.00 incl. VAT , for a year; then R75.00 incl. VAT a month" in started.words
    consent = world.rows("SELECT c.amount, t.words FROM consent c JOIN consent_text t USING (text_hash)")[0]
    assert consent["amount"] == 75000
    assert "charge my card R750.00 incl. VAT for a year" in consent["words"]

    world.advance_to(local(2027, 2, 1, 9))
    assert world.charged_at() == ["2027-02-01 09:00"]
    assert world.charges()[0]["amount"] == 75000
    assert "Full access, one year" in world.letters(EMAIL)[-1].text
    world.advance_to(local(2027, 10, 1))
    assert len(world.told(EMAIL)) == 4, "nothing is said during the year"
    page = world.browser().sign_in(EMAIL)
    assert "R75.00 incl. VAT on Tuesday 1 February 2028" in page.words, "and it isn't another year"
    subscription = world.rows("SELECT id FROM subscription")[0]["id"]
    assert world.subscription(subscription)["next_charge"]["amount"]["amount"] == 7500

    world.advance_to(local(2028, 1, 20))
    rows = world.rows("SELECT kind, accepted_at FROM message WHERE kind LIKE 'term%' ORDER BY accepted_at")
    first = rows[0]["accepted_at"].astimezone(local(2027, 1, 1).tzinfo).date()
    ahead = business_days.between(first, date(2028, 1, 31))
    assert rows[0]["kind"] == "term_notice"
    assert 40 <= ahead <= 80
    notice = world.letter(EMAIL, "Your year ends on")
    for words in (
        "R75.00 incl. VAT every month",
        "R750.00 incl. VAT for the year",
        "Tuesday 1 February 2028",
    ):
        assert words in " ".join(notice.text.split())
    account = world.browser().sign_in(EMAIL)
    assert "From Tuesday 1 February 2028 you pay R75.00 incl. VAT a month." in account.words
    assert "R75.00 incl. VAT on Tuesday 1 February 2028" in account.words

    world.advance_to(local(2028, 4, 2))
    assert world.charged_at() == [
        "2027-02-01 09:00",
        "2028-02-01 09:00",
        "2028-03-01 09:00",
        "2028-04-01 09:00",
    ]
    assert [charge["amount"] for charge in world.charges()] == [75000, 7500, 7500, 7500]
    reminders = world.rows(
        "SELECT accepted_at FROM message WHERE kind = 'term_reminder' ORDER BY accepted_at"
    )
    days = [(local(2028, 2, 1, 9) - row["accepted_at"]).days for row in reminders]
    assert days == [8, 4]
    assert world.rows("SELECT plan_id, term FROM subscription") == [{"plan_id": "monthly", "term": False}]


@pytest.mark.prove
def test_another_year_only_when_it_is_chosen(make_world) -> None:  # type: ignore[no-untyped-def]
    world: World = make_world(local(2027, 1, 17, 10))
    world.start_trial(EMAIL, plan="yearly")
    world.advance_to(local(2027, 12, 20, 12))
    browser = world.browser()
    browser.sign_in(EMAIL)
    browser.get("/account/plan?to=yearly")
    assert "R750.00 on Tuesday 1 February 2028" in browser.page.words
    assert "tick the box" in browser.post("/account/plan").words
    page = browser.post("/account/plan", consent="yes")
    assert "you pay R750.00 incl. VAT a year" in page.words
    world.advance_to(local(2028, 2, 2))
    assert [charge["amount"] for charge in world.charges()] == [75000, 75000]
    assert world.rows("SELECT term, next_price_id FROM subscription") == [
        {"term": True, "next_price_id": None}
    ]
    kinds = [row["kind"] for row in world.rows("SELECT kind FROM consent ORDER BY accepted_at")]
    assert kinds == ["trial", "switch"]
    world.advance_to(local(2029, 2, 2))
    assert [charge["amount"] for charge in world.charges()] == [75000, 75000, 7500], "and then by the month"


@pytest.mark.prove
def test_a_year_left_early_gives_the_rest_back_by_the_day(make_world) -> None:  # type: ignore[no-untyped-def]
    world: World = make_world(local(2027, 1, 17, 10))
    begun = world.start_trial(EMAIL, plan="yearly")
    world.advance_to(local(2027, 6, 1, 12))
    browser = world.browser()
    browser.sign_in(EMAIL)
    page = browser.get("/account/cancel")
    # 20 business days after Tuesday 1 June; Youth Day, 16 June, isn't one
    assert "You read through Wednesday 30 June 2027" in page.words
    unused = (date(2028, 2, 1) - date(2027, 7, 1)).days
    cents = -(-75000 * unused // 365)
    assert f"R{cents // 100}.{cents % 100:02d} (incl. VAT) back" in page.words
    browser.post("/account/cancel", when="early")
    world.settle()
    assert [refund["amount"] for refund in world.sandbox.refunds()] == [cents]
    assert {"refunded", "term_left"} <= set(world.told(EMAIL))
    assert "cancelled" not in world.told(EMAIL), "one mail says it all"
    assert "Keep my subscription" not in browser.get("/account").words, "the money is on its way back"
    locked, reader = world.articles["subscriber"][0], begun["reader"]["id"]
    world.advance_to(local(2027, 6, 30, 23, 59))
    assert world.access(locked, reader)["allowed"]
    world.advance_to(local(2027, 7, 1))
    assert not world.access(locked, reader)["allowed"]
    world.advance_to(local(2028, 4, 1))
    assert len(world.charges()) == 1


@pytest.mark.prove
def test_without_its_notices_a_year_is_longer_and_nothing_is_charged(make_world) -> None:  # type: ignore[no-untyped-def]
    world: World = make_world(local(2027, 1, 17, 10))
    world.start_trial(EMAIL, plan="yearly")
    world.advance_to(local(2027, 2, 2))
    world.skip_to(local(2028, 1, 10))  # the worker was away from the window on
    world.advance_to(local(2028, 2, 20))
    assert len(world.charges()) == 1
    ends_on = world.rows("SELECT period_end_on FROM subscription")[0]["period_end_on"]
    assert ends_on > date(2028, 2, 20)
    assert (
        world.rows("SELECT happening FROM subscription_change ORDER BY id")[2]["happening"] == "term_extended"
    )
    world.advance_to(local(ends_on.year, ends_on.month, ends_on.day, 9))
    assert [charge["amount"] for charge in world.charges()] == [75000, 7500]
    accepted = world.rows("SELECT accepted_at FROM message WHERE kind = 'term_notice' ORDER BY id")
    told_on = accepted[-1]["accepted_at"].date()
    assert 40 <= business_days.between(told_on, ends_on - timedelta(days=1)) <= 80


def test_a_year_whose_charge_has_to_be_made_anew_begins_on_its_day(world: World) -> None:
    """Stripe fails on the first attempt at a year that was chosen: no year has ended by that, and none is given away."""
    begun = world.start_trial(EMAIL)
    world.advance_to(local(2027, 3, 20, 12))
    browser = world.browser()
    browser.sign_in(EMAIL)
    browser.get("/account/plan?to=yearly")
    browser.post("/account/plan", consent="yes")
    world.advance_to(local(2027, 4, 16, 8))
    world.sandbox.faults({"effect": "500_before", "method": "POST", "path": "/v1/payment_intents"})
    world.advance_to(local(2027, 4, 16, 12))
    assert [row["state"] for row in world.rows("SELECT state FROM attempt ORDER BY id")] == [
        *("charged", "withdrawn", "charged"),
    ]
    assert [
        (at[:10], one["amount"]) for at, one in zip(world.charged_at(), world.charges(), strict=True)
    ] == [
        ("2027-03-16", 7500),
        ("2027-04-16", 75000),
    ]
    answer = world.subscription(begun["subscription"]["id"])
    assert (answer["period_start"], answer["period_end"]) == ("2027-04-16", "2028-04-16")
    world.advance_to(local(2028, 4, 17))
    told = world.told(EMAIL)
    assert (told.count("term_notice"), told.count("term_reminder")) == (1, 2)
    assert (world.charged_at()[-1][:10], world.charges()[-1]["amount"]) == ("2028-04-16", 7500)
