"""The yearly plan: its offer and first charge. Missed notices extend it; a charge made later starts it on that day."""

from collections.abc import Callable
from datetime import date, timedelta

import pytest

from billing.rules import business_days
from tests.support.starting_points import Subscriber
from tests.support.world import World, local

EMAIL = "pieter@example.com"


def test_a_year_is_offered_and_charged_after_the_trial(make_world: Callable[..., World]) -> None:
    world = make_world(local(2027, 1, 17, 10))
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


@pytest.mark.prove
def test_without_its_notices_a_year_is_longer_and_nothing_is_charged(world: World, year: Subscriber) -> None:
    world.advance_to(local(2027, 2, 2))
    world.skip_to(local(2028, 1, 10))  # the worker was away from the window on
    world.advance_to(local(2028, 2, 20))
    assert len(world.charges()) == 1
    ends_on = world.rows("SELECT period_end_on FROM subscription")[0]["period_end_on"]
    assert ends_on > date(2028, 2, 20)
    assert world.rows("SELECT event FROM subscription_change ORDER BY id")[2]["event"] == "term_extended"
    world.advance_to(local(ends_on.year, ends_on.month, ends_on.day, 9))
    assert [charge["amount"] for charge in world.charges()] == [75000, 7500]
    accepted = world.rows("SELECT accepted_at FROM message WHERE kind = 'term_notice' ORDER BY id")
    notified_on = accepted[-1]["accepted_at"].date()
    assert 40 <= business_days.between(notified_on, ends_on - timedelta(days=1)) <= 80


def test_a_year_whose_charge_has_to_be_made_anew_begins_on_its_day(world: World, paid: Subscriber) -> None:
    """Stripe fails on the first attempt at a chosen year. This ends no year, and gives none away."""
    world.advance_to(local(2027, 3, 20, 12))
    browser = world.browser()
    browser.sign_in(paid.email)
    browser.get("/account/plan?to=yearly")
    browser.post("/account/plan", consent="yes")
    world.advance_to(local(2027, 4, 16, 8))
    world.sandbox.faults({"effect": "500_before", "method": "POST", "path": "/v1/payment_intents"})
    world.advance_to(local(2027, 4, 16, 12))
    assert [row["state"] for row in world.rows("SELECT state FROM attempt ORDER BY id")] == [
        *("charged", "not_sent", "charged"),
    ]
    assert [
        (at[:10], one["amount"]) for at, one in zip(world.charged_at(), world.charges(), strict=True)
    ] == [
        ("2027-03-16", 7500),
        ("2027-04-16", 75000),
    ]
    answer = world.subscription(paid.subscription_id)
    assert (answer["period_start"], answer["period_end"]) == ("2027-04-16", "2028-04-16")
    world.skip_to(local(2027, 12, 15))  # before the first notice; whatever was due meanwhile is done now
    world.advance_to(local(2028, 4, 17))
    mails = world.mail_kinds(paid.email)
    assert (mails.count("term_notice"), mails.count("term_reminder")) == (1, 2)
    assert (world.charged_at()[-1][:10], world.charges()[-1]["amount"]) == ("2028-04-16", 7500)
