"""A reader pays an open invoice from the mail without signing in, with the saved card or on the hosted page."""

import re
from functools import partial

import pytest

from billing.billing_run.run import run, run_for
from billing.webhooks import settle as events
from tests.proofs.steps import intend, send, settle_attempt, together
from tests.support import ledger_checks
from tests.support.browser import Browser
from tests.support.declined_charge import Declined
from tests.support.starting_points import Subscriber
from tests.support.world import World, local

FIRST_TRY = local(2027, 3, 16, 9, 5)


def card_ref(world: World) -> str:
    """The sandbox's name for the newest saved card."""
    rows = world.rows("SELECT gateway_ref FROM payment_method ORDER BY saved_at DESC, id DESC LIMIT 1")
    return str(rows[0]["gateway_ref"])


def follow(world: World, browser: Browser, reader: Subscriber) -> None:
    """Open the link in the newest mail about the payment."""
    browser.get(world.mailed_link(reader.email, "/pay/"))
    assert browser.page.path == "/pay"


def states(world: World) -> list[str]:
    """The state of each attempt, in order."""
    return [row["state"] for row in world.rows("SELECT state FROM attempt ORDER BY intended_at, ordinal")]


@pytest.mark.prove
def test_the_card_on_record_pays_at_a_press(world: World, declined: Declined) -> None:
    world.sandbox.decline(card_ref(world), None)
    # the sandbox's 0341 declines by nature, so the owner's bank sends another card under the same PaymentMethod
    world.sandbox.trouble({"effect": "drop", "type": "payment_method.*"})
    world.sandbox.replace(card_ref(world), number="4242424242424242")
    browser = world.browser()
    follow(world, browser, declined)
    for said in (
        "R75.00 incl. VAT",
        "ending in 0341",
        "Monday 5 April 2027",
        "Friday 19 March 2027",
        "need not sign in",
    ):
        assert said in browser.page.words
    assert world.charges() == [], "looking pays nothing"
    browser.post("/pay")
    assert browser.page.path == "/pay"
    assert "this is paid" in browser.page.words
    assert "INV-000001" in browser.page.words
    world.settle()
    assert world.mail_kinds(declined.email)[-1] == "receipt"
    assert world.subscription(declined.subscription_id)["status"] == "active"
    follow(world, browser, declined)
    assert "this is paid" in browser.page.words, "the link tells it, as often as it is opened"
    world.advance_to(local(2027, 4, 16, 9))
    assert world.charged_at() == ["2027-03-16 09:05", "2027-04-16 09:00"]
    ledger_checks.check(world)


def test_the_readers_own_tries_burn_no_rung_and_end_before_the_cards_limit(
    world: World, declined: Declined
) -> None:
    browser = world.browser()
    follow(world, browser, declined)
    world.advance_to(local(2027, 3, 19, 8))  # on the very day of a rung, an hour before it
    for _ in range(4):
        browser.post("/pay")
        assert "did not approve" in browser.page.text
    assert "Pay with another card" in browser.page.words
    assert 'action="/pay"' not in browser.page.text, "the card's last attempts are kept for the ladder"
    world.settle()
    assert world.mail_kinds(declined.email).count("payment_failed") == 2, (
        "the first refusal, and the day that has moved"
    )
    world.advance_to(local(2027, 4, 5, 23))
    days = world.rows("SELECT intended_at, by_reader FROM attempt ORDER BY intended_at, ordinal")
    ours = [row["intended_at"].astimezone(FIRST_TRY.tzinfo) for row in days if not row["by_reader"]]
    assert [f"{at:%d %b %H:%M}" for at in ours] == [
        "16 Mar 09:00",
        "20 Mar 09:00",
        "25 Mar 09:00",
        "30 Mar 09:00",
    ]
    assert len(days) == 8, "as many as a card may be asked in thirty days"


@pytest.mark.rare
def test_a_bank_that_asks_for_its_reader_is_answered_on_the_page(world: World, unconfirmed: Declined) -> None:
    """3184: 3-D Secure each time. The page offers the saved card, so the reader types none."""
    letter = world.letters(unconfirmed.email)[-1]
    assert letter.subject == "Please confirm your payment of R75.00 incl. VAT"
    visitor = world.browser()
    follow(world, visitor, unconfirmed)
    assert "Confirm your payment" in visitor.page.words
    assert 'action="/pay"' not in visitor.page.text, "charging it silently can't help"
    page = visitor.sent_to("/pay/page")
    assert page == visitor.again("/pay").sent_to("/pay/page"), "a second press leads to the same page"
    shown = re.sub(r"<[^>]+>|\s+", " ", world.sandbox.http.get(page).text)
    assert "R75.00" in shown
    assert "(incl. 15% VAT)" in shown
    assert "refused=authentication" in world.sandbox.pay_kept(page, pass_check=False)
    world.settle()
    assert states(world) == ["declined", "open"], "refused on the page, which stays open"
    visitor.get(world.sandbox.pay_kept(page))
    assert visitor.page.path == "/pay"
    assert "this is paid" in visitor.page.words
    world.settle()
    assert world.charged_at() == ["2027-03-16 09:05"]
    (charge,) = world.charges()
    assert charge["calculated_statement_descriptor"].endswith("TRIAL OVER"), (
        "it is the first money after the trial"
    )
    world.advance_to(local(2027, 4, 16, 9))
    assert world.mail_kinds(unconfirmed.email)[-1] == "payment_failed", "this bank asks each month"
    ledger_checks.check(world)


@pytest.mark.prove
@pytest.mark.parametrize("come_back", [True, False], ids=["and comes back", "and closes the tab"])
def test_another_card_on_the_page_pays_and_stays(world: World, declined: Declined, come_back: bool) -> None:
    browser = world.browser()
    follow(world, browser, declined)
    page = browser.sent_to("/pay/page")
    assert "refused=card" in world.sandbox.fill_in(page, "4000008260003178"), (
        "authenticated, then too little money"
    )
    target = world.sandbox.fill_in(page, "4000002500003155")
    if come_back:
        assert "this is paid" in browser.get(target).words
    world.settle()
    assert browser.get("/pay").words.count("this is paid") == 1
    found = world.subscription(declined.subscription_id)
    assert (found["status"], found["payment_method"]["last4"]) == ("active", "3155")
    assert states(world) == ["declined", "charged"]
    world.advance_to(local(2027, 5, 17))
    assert world.charged_at() == ["2027-03-16 09:05", "2027-04-16 09:00", "2027-05-16 09:00"]
    assert world.mail_kinds(declined.email).count("receipt") == 3
    ledger_checks.check(world)


@pytest.mark.prove
def test_a_retry_waits_for_an_open_page_and_comes_when_it_has_closed(
    world: World, declined: Declined
) -> None:
    browser = world.browser()
    world.advance_to(local(2027, 3, 19, 8, 30))
    follow(world, browser, declined)
    page = browser.sent_to("/pay/page")
    world.advance_to(local(2027, 3, 19, 9, 15))
    assert states(world) == ["declined", "open"], "while the reader may pay, nothing else is charged"
    world.advance_to(local(2027, 3, 19, 9, 31))
    assert states(world) == ["declined", "not_sent", "declined"]
    assert world.sandbox.http.get(page).status_code == 410
    browser.get("/pay")
    assert browser.sent_to("/pay/page") != page, "a closed page is followed by a new one"


def test_a_link_that_is_over_says_so_kindly(world: World, declined: Declined) -> None:
    browser, other = world.browser(), world.browser()
    link = world.mailed_link(declined.email, "/pay/")
    follow(world, browser, declined)
    page = browser.sent_to("/pay/page")
    other.get(world.mailed_link(declined.email, "/cancel/"))
    other.post("/cancel")
    world.settle()
    assert world.sandbox.http.get(page).status_code == 410, "the page closes with the cancellation"
    assert "You have cancelled, so nothing is owed" in browser.get(link).words
    assert world.charges() == []
    assert "damaged" in browser.get(link[:-2]).text
    assert browser.page.status == 404


@pytest.mark.prove
def test_the_grace_ends_and_the_link_tells_it(world: World, declined: Declined) -> None:
    link = world.mailed_link(declined.email, "/pay/")
    world.advance_to(local(2027, 4, 6))
    assert "not asked for any more" in world.browser().get(link).words


@pytest.mark.prove
def test_the_way_from_the_account_and_to_cancelling(world: World, declined: Declined) -> None:
    browser = declined.browser(world)
    assert "Reading goes on through Monday 5 April 2027" in browser.get("/account").words
    assert browser.post("/account/pay").path == "/pay"
    assert browser.get("/pay/stop").path == "/cancel"
    assert "You will not be billed" in browser.post("/cancel").words


@pytest.mark.prove
def test_a_page_paid_as_the_reader_cancels_goes_back(world: World, declined: Declined) -> None:
    browser = world.browser()
    follow(world, browser, declined)
    page = browser.sent_to("/pay/page")
    world.sandbox.trouble({"effect": "drop", "type": "*"})
    world.sandbox.fill_in(page)
    answer = world.api.post(f"/v1/subscriptions/{declined.subscription_id}/cancel", json={})
    assert answer.status_code == 200, answer.text
    world.settle()
    assert [refund["amount"] for refund in world.sandbox.refunds()] == [7500]
    assert set(world.mail_kinds(declined.email)[-2:]) == {"cancelled", "refunded"}
    assert "goes back to you" in browser.get("/pay").words
    ledger_checks.check(world)


def test_a_page_closes_when_a_bank_stops_what_it_pays_for(world: World, owing: Subscriber) -> None:
    browser = world.browser()
    follow(world, browser, owing)
    page = browser.sent_to("/pay/page")
    world.sandbox.banks("dispute", charge=world.charges()[0]["id"])
    world.settle()
    assert world.sandbox.http.get(page).status_code == 410
    assert states(world)[-1] == "not_sent"


@pytest.mark.rare
def test_a_page_paid_as_a_bank_stops_it_goes_back_and_nobody_says_who_cancelled(
    world: World, owing: Subscriber
) -> None:
    browser = world.browser()
    follow(world, browser, owing)
    page = browser.sent_to("/pay/page")
    world.sandbox.trouble(
        {"effect": "drop", "type": "checkout.*"}, {"effect": "drop", "type": "payment_intent.*"}
    )
    world.sandbox.fill_in(page)
    world.sandbox.banks("dispute", charge=world.charges()[0]["id"])
    world.settle()
    (refund,) = world.rows("SELECT amount, reason FROM refund")
    assert (refund["amount"], refund["reason"].startswith("Your subscription had been stopped")) == (
        7500,
        True,
    )
    assert "cancelled" not in world.letter(owing.email, "Credit note").text
    ledger_checks.check(world)


def press(world: World, browser: Browser) -> str:
    """Pay with the card on record."""
    return browser.post("/pay").words


@pytest.mark.parametrize("rounds", [2, pytest.param(15, marks=pytest.mark.prove)])
def test_paying_now_against_the_ladders_retry(world: World, rounds: int) -> None:
    begun = [world.start_trial(f"r{n}@example.com", f"pm_card_visa__{n}") for n in range(rounds)]
    for row in world.rows("SELECT gateway_ref FROM payment_method"):
        world.sandbox.decline(row["gateway_ref"], "insufficient_funds")
    world.advance_to(local(2027, 3, 19, 8, 59, 59))
    for row in world.rows("SELECT gateway_ref FROM payment_method"):
        world.sandbox.decline(row["gateway_ref"], None)
    browsers = []
    for number in range(rounds):
        browser = world.browser()
        browser.get(world.mailed_link(f"r{number}@example.com", "/pay/"))
        browsers.append(browser)
    world.skip_to(local(2027, 3, 19, 9))
    for one, browser in zip(begun, browsers, strict=True):
        report, words = together(
            partial(run_for, world.services.run_context, one["subscription"]["id"], world.now),
            partial(press, world, browser),
        )
        assert not isinstance(report, Exception), report
        assert "this is paid" in words or "bank is being asked" in words, words
    world.settle()
    assert len(world.charges()) == rounds
    assert world.sandbox.refunds() == []
    ledger_checks.check(world)


@pytest.mark.prove
@pytest.mark.parametrize("rounds", [15])
def test_the_return_from_the_page_as_its_event_comes(world: World, rounds: int) -> None:
    browsers = []
    for number in range(rounds):
        world.start_trial(f"r{number}@example.com", f"pm_card_chargeCustomerFail__{number}")
    world.advance_to(FIRST_TRY)
    for number in range(rounds):
        browser = world.browser()
        browser.get(world.mailed_link(f"r{number}@example.com", "/pay/"))
        browsers.append(
            (browser, world.sandbox.fill_in(browser.sent_to("/pay/page"), f"4242424242424242__{number}"))
        )
    for browser, target in browsers:
        world.sandbox.settle()
        page, settled = together(
            partial(browser.get, target),
            partial(events.settle_due, world.services.webhook_context, world.now),
        )
        assert "this is paid" in page.words
        assert isinstance(settled, int), settled
    world.settle()
    assert len(world.charges()) == rounds
    ledger_checks.check(world)


@pytest.mark.prove
def test_a_retry_that_was_sent_keeps_a_page_from_opening(world: World, declined: Declined) -> None:
    world.sandbox.trouble({"effect": "drop", "type": "*"})
    browser = world.browser()
    follow(world, browser, declined)
    world.skip_to(local(2027, 3, 19, 9))
    intend(world, declined.subscription_id)
    attempt_id, answer = send(world, declined.subscription_id)
    browser.get("/pay")
    assert "your bank is being asked" in browser.page.words
    assert settle_attempt(world, attempt_id, answer) == "declined"
    assert run(world.services.run_context, world.now).counts == {}
    assert "Pay R75.00" in browser.get("/pay").words


@pytest.mark.prove
def test_a_new_card_closes_an_open_page_and_is_tried_at_once(world: World, declined: Declined) -> None:
    browser, other = world.browser(), world.browser()
    follow(world, browser, declined)
    page = browser.sent_to("/pay/page")
    other.get(world.mailed_link(declined.email, "/card/"))
    card_page = other.sent_to("/card")
    other.get(world.sandbox.fill_in(card_page, "5555555555554444"))
    assert [charge["payment_method_details"]["card"]["last4"] for charge in world.charges()] == ["4444"]
    assert world.sandbox.http.get(page).status_code == 410
    assert states(world) == ["declined", "not_sent", "charged"]
    world.settle()
    ledger_checks.check(world)
