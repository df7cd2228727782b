"""A reader agrees to what the page showed. What has changed while it was open is said, and nothing is recorded."""

import re

import pytest

from tests.support.browser import Answer, Browser
from tests.support.cli import run_on
from tests.support.signed_in import signed_in
from tests.support.starting_points import Subscriber
from tests.support.world import World, local

EMAIL = "thandi@example.com"


def run(world: World, *words: str) -> None:
    done = run_on(world, *words)
    assert done.exit_code == 0, done.output


def at_the_review(world: World, plan: str = "monthly") -> Browser:
    browser = world.browser().again(f"/subscribe?plan={plan}")
    assert browser.post("/subscribe", email=EMAIL).path == "/subscribe/review"
    return browser


def refused(world: World, page: Answer) -> str:
    """The words of a page that refuses, after which nothing is recorded."""
    assert page.status == 409, page.words
    assert "Nothing has happened yet." in page.words
    assert "checked" not in page.text
    for table in ("consent", "card_setup"):
        assert world.rows(f"SELECT count(*) AS n FROM {table}") == [{"n": 0}], table
    return page.words


def test_midnight_moves_the_days_and_the_page_says_so(world: World) -> None:
    browser = at_the_review(world)
    world.advance_to(local(2027, 3, 2))
    words = refused(world, browser.post("/subscribe/review", consent="yes"))
    assert "The first charge is now on Wednesday 17 March 2027, because a new day has begun." in words
    browser.agree_and_pay()
    assert "Your trial runs until Tuesday 16 March 2027" in browser.page.words
    agreed = world.rows(
        "SELECT first_charge_on::text, words FROM consent JOIN consent_text USING (text_hash)"
    )
    assert [row["first_charge_on"] for row in agreed] == ["2027-03-17"]
    assert "From 17 March 2027 charge my card R75.00" in agreed[0]["words"]
    world.advance_to(local(2027, 3, 17, 9))
    assert world.charged_at() == ["2027-03-17 09:00"]


def test_a_new_price_is_named_with_the_one_before(world: World) -> None:
    browser = at_the_review(world)
    run(world, "prices", "add", "--plan", "monthly", "--cents", "8500", "--from", "2027-03-01")
    words = refused(world, browser.post("/subscribe/review", consent="yes"))
    assert "The price is now R85.00 incl. VAT instead of R75.00 incl. VAT." in words
    browser.agree_and_pay()
    assert world.rows("SELECT amount FROM consent") == [{"amount": 8500}]
    world.advance_to(local(2027, 3, 16, 9))
    assert [charge["amount"] for charge in world.charges()] == [8500]


def test_another_tab_changes_the_address_and_the_plan(world: World) -> None:
    first = at_the_review(world)
    shown = first.page
    first.get("/subscribe?plan=yearly")
    first.post("/subscribe", email="sipho@example.com")
    first.page = shown
    words = refused(world, first.post("/subscribe/review", consent="yes"))
    assert f"The email address is now sipho@example.com instead of {EMAIL}" in words
    assert "The plan is now the one paid by the year: it was changed in another tab." in words
    assert "The price is now R750.00 incl. VAT instead of R75.00 incl. VAT." in words
    assert "sipho@example.com" in first.agree_and_pay().words
    assert world.rows("SELECT email, amount FROM consent") == [
        {"email": "sipho@example.com", "amount": 75000}
    ]


def test_a_plan_retired_meanwhile_gives_way_to_the_one_on_offer(world: World) -> None:
    browser = at_the_review(world, "yearly")
    run(world, "plans", "retire", "yearly")
    words = refused(world, browser.post("/subscribe/review", consent="yes"))
    assert "The plan that you chose is not offered any more." in words
    assert "14 days free, then R75.00 a month" in words
    browser.agree_and_pay()
    assert world.rows("SELECT amount FROM consent") == [{"amount": 7500}]


def test_a_plan_retired_before_the_review_is_opened_again_is_named_once(world: World) -> None:
    browser = at_the_review(world, "yearly")
    run(world, "plans", "retire", "yearly")
    assert "not offered any more" in browser.get("/subscribe/review").words
    assert "not offered any more" not in browser.get("/subscribe/review").words
    assert browser.agree_and_pay().path == "/subscribe/started"


@pytest.mark.parametrize("agreed", ["", "forged.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"])
def test_without_a_genuine_copy_the_page_comes_again(world: World, agreed: str) -> None:
    browser = at_the_review(world)
    words = refused(world, browser.post("/subscribe/review", consent="yes", agreed=agreed))
    assert "We can’t check what this page showed" in words
    assert browser.agree_and_pay().path == "/subscribe/started"


def test_an_unticked_box_names_the_changes_too(world: World) -> None:
    browser = at_the_review(world)
    run(world, "prices", "add", "--plan", "monthly", "--cents", "8500", "--from", "2027-03-01")
    page = browser.post("/subscribe/review")
    assert page.status == 422
    assert "tick the box" in page.words
    assert "The price is now R85.00" in page.words


def test_reload_back_and_a_double_click_start_one_subscription(world: World) -> None:
    browser = at_the_review(world)
    browser.get("/subscribe/review")
    shown = browser.page
    browser.open_card_page()
    browser.page = shown
    target = world.sandbox.fill_in(browser.open_card_page())
    assert browser.get(target).path == "/subscribe/started"
    browser.page = shown
    assert browser.post("/subscribe/review", consent="yes").status == 409
    world.settle()
    assert world.rows("SELECT count(*) AS n FROM subscription") == [{"n": 1}]


def test_change_keeps_the_plan_and_the_address_without_naming_it_in_the_address_bar(world: World) -> None:
    browser = at_the_review(world, "yearly")
    found = re.search(r'href="(/subscribe\?[^"]*)"', browser.page.text)
    assert found is not None
    assert found.group(1) == "/subscribe?plan=yearly"
    page = browser.get(found.group(1))
    assert f'value="{EMAIL}"' in page.text
    assert "R750.00 incl. VAT a year" in page.words
    assert EMAIL not in world.browser().get("/subscribe?plan=yearly").text, "another browser's isn't known"


def test_a_card_on_file_is_named_and_charged(world: World, in_trial: Subscriber) -> None:
    browser = world.browser()
    browser.start("second@example.com")
    assert browser.prove().status == 409
    review = browser.post("/subscribe/without-trial")
    assert "Card Visa ending in 4242 , which you gave before" in review.words
    assert "Agree, and pay R75.00 incl. VAT now" in review.words
    consents = len(world.rows("SELECT id FROM consent"))
    world.advance_to(local(2027, 3, 2))
    page = browser.post("/subscribe/review", consent="yes")
    assert page.status == 409
    assert "The first charge is now on Tuesday 2 March 2027" in page.words
    assert len(world.rows("SELECT id FROM consent")) == consents
    assert "We have charged R75.00" in browser.post("/subscribe/review", consent="yes").words
    assert world.charged_at() == ["2027-03-02 00:00"]


def test_a_plan_is_changed_to_at_the_price_that_was_shown(world: World, paid: Subscriber) -> None:
    browser = signed_in(world, paid.email).again("/account/plan?to=yearly")
    today = world.services.site.today(world.now)
    run(world, "prices", "add", "--plan", "yearly", "--cents", "80000", "--from", f"{today}")
    before = len(world.rows("SELECT id FROM consent"))
    page = browser.post("/account/plan", consent="yes")
    assert page.status == 409
    assert "The price is now R800.00 incl. VAT instead of R750.00 incl. VAT." in page.words
    assert len(world.rows("SELECT id FROM consent")) == before
    assert world.rows("SELECT next_price_id FROM subscription") == [{"next_price_id": None}]
    browser.post("/account/plan", consent="yes")
    assert "you pay R800.00 incl. VAT a year" in browser.page.words
    assert world.rows("SELECT amount FROM consent WHERE kind = 'switch'") == [{"amount": 80000}]


def test_a_pause_is_asked_for_with_the_days_that_were_shown(world: World, paid: Subscriber) -> None:
    browser = signed_in(world, paid.email).again("/account/pause")
    days = {"days": 2, "reason": "the site was slow"}
    world.api.post(f"/v1/subscriptions/{paid.subscription_id}/extend", json=days).raise_for_status()
    page = browser.post("/account/pause", months="2")
    assert page.status == 409
    assert "The next charge is now on Tuesday 18 May 2027 instead of Sunday 16 May 2027." in page.words
    assert world.rows("SELECT resumes_on FROM subscription") == [{"resumes_on": None}]
    assert browser.post("/account/pause", months="2").path == "/account"
    assert world.rows("SELECT resumes_on::text FROM subscription") == [{"resumes_on": "2027-06-18"}]


def test_a_payment_is_made_with_the_card_that_was_shown(world: World, owing: Subscriber) -> None:
    browser = signed_in(world, owing.email).again("/account")
    page = browser.post("/account/pay")
    shown = re.search(r"Pay R75.00 incl. VAT with (\w+ ending in \d{4})", page.words)
    assert shown is not None, page.words
    assert owing.email not in page.text, "a mail with the link may have been forwarded"
    attempts = world.rows("SELECT count(*) AS n FROM attempt")
    world.execute("UPDATE payment_method SET last4 = '1111'")
    page = browser.post("/pay")
    assert page.status == 409
    assert f"The card is now Visa ending in 1111 instead of {shown.group(1)}." in page.words
    assert world.rows("SELECT count(*) AS n FROM attempt") == attempts
    assert "did not approve it" in browser.post("/pay").text
    assert world.rows("SELECT count(*) AS n FROM attempt") == [{"n": attempts[0]["n"] + 1}]
