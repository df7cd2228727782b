"""A reader's open browser or stolen session: important acts require the reader's mail first (SEC-2); cancelling never does."""

import pytest

from tests.support.browser import Browser
from tests.support.signed_in import in_trial_by_pages, prove_again, signed_in
from tests.support.starting_points import Subscriber
from tests.support.world import World, local

NEW_CARD = "5555555555554444"
FILE = "/account/consents"


@pytest.fixture
def stale(world: World, paid: Subscriber) -> Browser:
    """A browser in which the reader signed in eleven minutes ago."""
    browser = signed_in(world, paid.email)
    world.advance(minutes=11)
    return browser


def cards(world: World) -> list[object]:
    """Which card is charged, and how many visits to the card page there were."""
    rows = world.rows(
        "SELECT s.payment_method_id, (SELECT count(*) FROM card_setup WHERE purpose = 'card') FROM subscription s"
    )
    return [tuple(row.values()) for row in rows]


def test_another_card_needs_a_sign_in_of_the_last_ten_minutes(
    world: World, paid: Subscriber, stale: Browser
) -> None:
    before = cards(world)
    stale.get("/account")
    stale.post("/account/card")
    assert cards(world) == before, "Stripe wasn't asked for a page"
    prove_again(world, stale)
    assert stale.page.path == "/account/card", "and it goes on where it was stopped"
    stale.get(world.sandbox.fill_in(stale.sent_to("/account/card"), NEW_CARD))
    assert world.subscription(paid.subscription_id)["payment_method"]["last4"] == "4444"


def test_ten_minutes_after_signing_in_it_is_asked_for_again(world: World, paid: Subscriber) -> None:
    browser = signed_in(world, paid.email)
    world.advance(minutes=10)
    browser.get("/account")
    assert browser.sent_to("/account/card").startswith(world.sandbox.url)
    world.advance(seconds=1)
    assert browser.again("/account").sent_to("/account/card") == "/account/confirm?act=card"


def test_what_was_agreed_to_is_given_out_after_a_fresh_sign_in_alone(
    world: World, paid: Subscriber, stale: Browser
) -> None:
    assert "196.25.1.9" not in stale.get(FILE).text
    prove_again(world, stale)
    assert stale.page.path == "/account"
    assert "196.25.1.9" in stale.get(FILE).text


def test_a_browser_that_never_proved_its_address_is_asked_to(world: World) -> None:
    browser = in_trial_by_pages(world)
    browser.get(FILE)
    prove_again(world, browser)
    assert "You agreed to" in browser.get(FILE).text


def test_signed_out_it_is_an_ordinary_sign_in_that_leads_back(world: World, paid: Subscriber) -> None:
    browser = world.browser()
    assert browser.get(FILE).path == "/sign-in"
    assert browser.get("/account/card").path == "/sign-in"
    browser.post("/sign-in", email=paid.email)
    world.settle()
    browser.get(world.mailed_link(paid.email, "/sign-in/link/"))
    assert browser.post("/sign-in/confirm").path == "/account/card"


def test_the_way_back_is_one_of_ours(world: World, paid: Subscriber, stale: Browser) -> None:
    for act in ("/evil", "https://evil.example", ""):
        assert stale.get(f"/account/confirm?act={act}").status == 404, act
    for forged in ("https://evil.example", "//evil.example", "/account.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"):
        browser = world.browser().with_cookie("masthead-way", forged)
        assert browser.sign_in(paid.email).path == "/account"


def test_cancelling_and_withdrawing_need_no_more_than_the_session(
    world: World, paid: Subscriber, stale: Browser
) -> None:
    stale.get("/account/withdraw")
    assert stale.post("/account/withdraw").path == "/account"
    world.settle()
    assert world.subscription(paid.subscription_id)["status"] == "ended"
    assert [refund["amount"] for refund in world.sandbox.refunds()] == [7500], "to the card that paid"


def test_an_old_mails_card_link_changes_no_card_that_can_be_charged(world: World, paid: Subscriber) -> None:
    """It was for the day of an open payment, and that day is over."""
    card = world.rows("SELECT gateway_ref FROM payment_method")[0]["gateway_ref"]
    world.sandbox.decline(card, "insufficient_funds")
    world.advance_to(local(2027, 4, 16, 12))
    link = world.mailed_link(paid.email, "/card/")
    world.sandbox.decline(card, None)
    world.advance_to(local(2027, 4, 25))
    assert world.subscription(paid.subscription_id)["status"] == "active"
    before = cards(world)
    finder = world.browser()
    page = finder.get(link)
    assert "sign in first" in page.words
    assert 'action="/card"' in page.text
    assert finder.post("/card").path == "/sign-in/sent"
    assert cards(world) == before
    world.settle()
    finder.get(world.mailed_link(paid.email, "/sign-in/link/"))
    assert finder.post("/sign-in/confirm").path == "/account/card", "the reader's own browser goes on"


def test_the_link_of_a_mail_that_asks_for_a_card_works_while_one_is_needed(
    world: World, owing: Subscriber
) -> None:
    browser = world.browser()
    browser.get(world.mailed_link(owing.email, "/card/"))
    browser.get(world.sandbox.fill_in(browser.sent_to("/card"), NEW_CARD))
    assert world.subscription(owing.subscription_id)["status"] == "active"


def test_the_reader_is_told_of_another_card_by_mail(world: World, paid: Subscriber) -> None:
    browser = signed_in(world, paid.email)
    browser.get("/account")
    browser.get(world.sandbox.fill_in(browser.sent_to("/account/card"), NEW_CARD))
    world.settle()
    letter = world.letter(paid.email, "new card")
    assert "Mastercard ending in 4444" in letter.text
    assert "was not you" in letter.text
    assert world.mail_kinds(paid.email).count("card_changed") == 1


def test_the_old_address_is_told_that_it_is_not_the_readers_any_more(world: World, paid: Subscriber) -> None:
    world.execute(
        "UPDATE message SET state = 'refused', accepted_at = NULL,"
        " last_answer = '550 5.1.1 no such mailbox here'"
    )
    browser = signed_in(world, paid.email)
    browser.get("/account/address")
    browser.post("/account/address", email="thandi@other.example")
    world.settle()
    browser.get(world.mailed_link("thandi@other.example", "/account/address/link/"))
    browser.post("/account/address/confirm")
    assert world.rows("SELECT email FROM reader") == [{"email": "thandi@other.example"}]
    world.settle()
    letter = world.letter(paid.email, "has another address now")
    assert "thandi@other.example" not in letter.text, "whoever reads the old mailbox isn't told the new one"
