"""Strangers give cards with a reader's address, so that the reader's own start gets no confirmation mail (SEC-8)."""

import pytest

from tests.security.test_who_subscribes import FRESH, NOTHING_YET, prove, seen, steps
from tests.support.browser import Browser
from tests.support.world import World

OWNER, UNKNOWN = "owner@example.com", "unknown@example.com"
MOST = 3
ON_ITS_WAY = "A mail with a link is on its way"


def gives(world: World, browser: Browser, email: str, number: str = FRESH) -> str:
    """A card for a start without a trial, which waits for its proof with any address; what the page says then."""
    _, page = steps(world, browser, email, paid=True)
    words = browser.get(world.sandbox.fill_in(page, number)).words
    assert NOTHING_YET in words
    world.settle()
    return words


def links(world: World, email: str) -> int:
    return sum("/sign-in/link/" in letter.text for letter in world.letters(email))


@pytest.fixture
def owner(world: World) -> Browser:
    """The owner's browser: they have signed in there before, and out."""
    browser = world.browser()
    browser.sign_in(OWNER)
    browser.get("/account")
    browser.post("/sign-out")
    return browser


def test_the_owners_browser_has_mails_of_its_own(world: World, owner: Browser) -> None:
    for _ in range(MOST + 1):
        gives(world, world.browser(), OWNER)
    before = links(world, OWNER)
    assert ON_ITS_WAY in gives(world, owner, OWNER)
    assert links(world, OWNER) == before + 1
    assert prove(world, owner, OWNER).path == "/subscribe/started"


@pytest.mark.parametrize("email", [OWNER, UNKNOWN])
def test_no_mail_is_said_to_be_on_its_way_that_isnt(world: World, owner: Browser, email: str) -> None:
    """With any number of strangers' cards for an address, few mails ask for proof. The page says so, and how to continue."""
    before = links(world, email)
    said = [gives(world, world.browser(), email) for _ in range(MOST + 2)]
    assert [ON_ITS_WAY in words for words in said] == [True] * MOST + [False] * 2
    assert links(world, email) - before == MOST
    assert "No mail with a link is on its way" in said[-1]


def test_known_and_unknown_addresses_are_told_the_same_when_mails_are_used_up(
    world: World, owner: Browser
) -> None:
    shown = {}
    for email in (OWNER, UNKNOWN):
        for _ in range(MOST + 1):
            browser = world.browser()
            gives(world, browser, email)
        shown[email] = seen(browser.page, email)
    assert shown[OWNER] == shown[UNKNOWN]


def test_who_got_no_mail_asks_for_a_link_and_goes_on(world: World, owner: Browser) -> None:
    """The owner, in a browser that is new."""
    for _ in range(MOST):
        gives(world, world.browser(), OWNER)
    browser = world.browser()
    assert ON_ITS_WAY not in gives(world, browser, OWNER)
    assert f"We have written to {OWNER}" in browser.post("/sign-in", email=OWNER).words
    assert prove(world, browser, OWNER).path == "/subscribe/started"


def test_a_link_that_is_too_old_is_not_on_its_way(world: World, owner: Browser) -> None:
    browser = world.browser()
    assert ON_ITS_WAY in gives(world, browser, OWNER)
    back = f"/subscribe/back?setup={browser.http.cookies['masthead-setup']}"
    world.advance(minutes=11)
    assert "No mail with a link is on its way" in browser.get(back).words
    browser.post("/sign-in", email=OWNER)
    assert ON_ITS_WAY in browser.get(back).words
    assert prove(world, browser, OWNER).path == "/subscribe/started"
