"""A card page completed after its purpose is over: refused once with a reason, and the card isn't charged."""

import pytest

from tests.support.browser import Browser
from tests.support.cancel_helpers import cancel
from tests.support.signed_in import in_trial_by_pages, signed_in
from tests.support.starting_points import Subscriber
from tests.support.world import World, local

EMAIL = "thandi@example.com"
OTHER_CARD = "5555555555554444"


def _signed_in_trial(world: World) -> Browser:
    """A reader's browser right after the trial was started there and the address proved."""
    in_trial_by_pages(world, EMAIL)
    return signed_in(world, EMAIL)


def card_page(browser: Browser) -> str:
    """The hosted page for another card, from the account."""
    browser.get("/account")
    page = browser.sent_to("/account/card")
    return str(page)


def end_now(world: World, subscription: str | None = None) -> None:
    of = subscription or world.rows("SELECT id FROM subscription ORDER BY id DESC")[0]["id"]
    cancel(world, of, when="now")


def check_refused_once(world: World, refusal: str) -> None:
    """The visit has ended, and no further request is made."""
    visit = world.rows("SELECT state, refusal FROM card_setup ORDER BY created_at DESC, id DESC")
    assert {"state": "refused", "refusal": refusal} in visit
    assert world.rows("SELECT id FROM card_setup WHERE state = 'open'") == []
    assert (
        world.rows(
            "SELECT event_type, last_error FROM inbound_event WHERE settled_at IS NULL OR failures > 0"
        )
        == []
    )


@pytest.mark.parametrize("first", ["webhook", "reader"])
def test_another_card_for_a_subscription_that_has_ended(world: World, first: str) -> None:
    browser = _signed_in_trial(world)
    page = card_page(browser)
    end_now(world)
    back = world.sandbox.fill_in(page, OTHER_CARD)
    if first == "webhook":
        world.settle()
    browser.get(back)
    assert (browser.page.status, browser.page.path) == (200, "/account")
    assert (
        "Your subscription ended before this card was saved, so the card is not charged." in browser.page.text
    )
    world.settle()
    check_refused_once(world, "has_ended")
    (kept,) = world.rows(
        "SELECT s.state, m.last4 FROM subscription s JOIN payment_method m ON m.id = payment_method_id"
    )
    assert kept == {"state": "ended", "last4": "4242"}
    world.advance(days=2)
    assert world.charges() == []


def test_another_card_after_the_last_instant(world: World, notified: Subscriber) -> None:
    cancel(world, notified.subscription_id)
    world.advance_to(local(2027, 3, 15, 23, 30))
    browser = signed_in(world, notified.email)
    page = card_page(browser)
    world.skip_to(local(2027, 3, 16, 0, 1))  # it has run out, and no worker has written that down
    browser.get(world.sandbox.fill_in(page, OTHER_CARD))
    assert "ended before this card was saved" in browser.page.text
    world.settle()
    assert world.rows("SELECT state FROM subscription") == [{"state": "ended"}]


def test_a_new_subscription_keeps_its_own_card(world: World) -> None:
    browser = _signed_in_trial(world)
    page = card_page(browser)
    end_now(world)
    elsewhere = signed_in(world, EMAIL)
    elsewhere.get("/subscribe")
    elsewhere.post("/subscribe/without-trial")
    elsewhere.agree_and_pay("378282246310005")
    browser.get(world.sandbox.fill_in(page, OTHER_CARD))
    assert "Your present subscription keeps the card it has" in browser.page.text
    world.settle()
    check_refused_once(world, "has_ended")
    live = "SELECT m.last4 FROM subscription s JOIN payment_method m ON m.id = payment_method_id WHERE s.state = 'active'"
    assert world.rows(live) == [{"last4": "0005"}]
    assert len(world.charges()) == 1


def test_a_trial_that_was_had_elsewhere_meanwhile(world: World) -> None:
    """Its address has had a trial, not this card, so another card would not help."""
    browser = world.browser()
    browser.get("/subscribe")
    browser.post("/subscribe", email=EMAIL)
    page = browser.open_card_page()
    end_now(world, world.start_trial(EMAIL, "pm_card_mastercard")["subscription"]["id"])
    browser.get(world.sandbox.fill_in(page))
    assert "this address has had it before" in browser.prove().words
    world.settle()
    check_refused_once(world, "trial_used")
    browser.post("/subscribe/without-trial")
    assert "75.00" in browser.page.words


def test_a_start_that_ended_before_its_reader_came_back(world: World) -> None:
    """The trial did start, so no mail says otherwise."""
    browser = world.browser()
    browser.get("/subscribe")
    browser.post("/subscribe", email=EMAIL)
    back = world.sandbox.fill_in(browser.open_card_page())
    world.settle()
    end_now(world)
    browser.get(back)
    assert browser.page.path == "/account"
    assert "nothing has started" not in browser.page.words
