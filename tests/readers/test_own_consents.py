"""A reader downloads their own consents, for the subscription and newsletters, and nobody else's (C6)."""

import re

import pytest

from billing.dev import seed
from tests.support.browser import Browser
from tests.support.signed_in import prove_again
from tests.support.world import World

READER, OTHER = "nomsa@example.com", "pieter@example.org"
FILE = "/account/consents"


@pytest.fixture(autouse=True)
def newsletters(world: World) -> None:
    """The paper has some."""
    with world.services.database.transaction() as session:
        seed.newsletters(session, world.now)


def subscribe(browser: Browser, email: str, *names: str) -> None:
    """A stranger ticks newsletters, and presses the button in the mail."""
    browser.get("/newsletters")
    browser.post("/newsletters", email=email, newsletter=list(names))
    browser.world.settle()
    browser.get(browser.world.mailed_link(email, "/newsletters/confirm/"))
    browser.post("/newsletters/confirm")


def entries(text: str, title: str) -> list[str]:
    """The entries under a title."""
    part = text.partition(f"\n{title}\n\n")[2]
    return re.split(r"\n\n", re.split(r"\n\n[A-Z ]+\n", part)[0].strip())


def test_all_of_it_is_one_file_that_any_phone_opens(world: World) -> None:
    browser = world.browser()
    browser.http.headers["user-agent"] = "Phone/1"
    subscribe(browser, READER, "first-light")
    browser.start(READER)
    browser.get("/account")
    browser.post("/sign-out")
    browser.sign_in(READER)
    world.advance(hours=1)
    browser.get("/newsletters")
    browser.post("/newsletters", newsletter=["the-long-read"])

    for page in ("/newsletters", "/account"):
        assert f'href="{FILE}"' in browser.get(page).text
    browser.get(FILE)
    prove_again(world, browser)
    answer = browser.get(FILE).response
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.headers["content-disposition"] == 'attachment; filename="my-consents.txt"'
    assert answer.headers["cache-control"] == "private, no-store"

    text = answer.text
    assert f"What {READER} agreed to" in text
    assert "Africa/Johannesburg" in text
    (agreed,) = entries(text, "YOUR SUBSCRIPTION")
    for words in (
        "On: 1 March 2027 at 10:00:00",
        "You agreed to: the trial terms, version trial-2026-11",
        "In these words: Yes, start my 14 days free. From 16 March 2027 charge my card R75.00 incl. VAT every month",
        "Price: R75.00 incl. VAT",
        "First charge on: 16 March 2027",
        "From the network address: 127.0.0.1",
        "Device: Phone/1",
    ):
        assert words in agreed, text
    first, second, third = entries(text, "NEWSLETTERS")
    for words in (
        "You said: yes to First Light",
        "In these words: Send me First Light by mail until I stop it.",
        "Version of the words: newsletters-2026-11",
        "First ticked on: 1 March 2027 at 10:00:00",
        "By: the button behind our mail that asked",
        "Confirmed by: our mail confirm-signup:ask_",
        "From the network address: 127.0.0.1",
    ):
        assert words in first, text
    assert "You said: no more to First Light\nBy: the boxes on the newsletter page" in second
    assert "On: 1 March 2027 at 11:00:00\nYou said: yes to The Long Read" in third
    assert "Confirmed by" not in third


def test_nothing_of_another_reader_is_in_it(world: World) -> None:
    other = world.browser()
    other.http.headers["user-agent"] = "Others/1"
    subscribe(other, OTHER, "first-light")
    other.start(OTHER, "5555555555554444")
    mine = world.browser()
    mine.sign_in(READER)
    text = mine.get(FILE).text
    assert entries(text, "YOUR SUBSCRIPTION") == ["Nothing."]
    assert entries(text, "NEWSLETTERS") == ["Nothing."]
    assert OTHER not in text
    assert "Others/1" not in text
    assert world.browser().get(FILE).path == "/sign-in"


def test_who_has_not_proved_an_address_gets_nothing_that_was_said_from_it(world: World) -> None:
    """A stranger can start a trial with a reader's address. The reader's sign-up data stays the reader's."""
    owner, stranger = world.browser(), world.browser()
    owner.http.headers["user-agent"] = "Owners/1"
    subscribe(owner, READER, "first-light")
    stranger.start(READER)
    page = stranger.get(FILE)
    assert page.path == "/account/confirm"
    assert "Owners/1" not in page.text
    owner.sign_in(READER)
    assert "yes to First Light" in owner.get(FILE).text


def test_a_browser_that_calls_itself_by_many_lines_writes_none_of_ours(world: World) -> None:
    consent = {
        "text_version": "app-1",
        "accepted_at": "2027-03-01T07:00:00Z",
        "ip": "196.25.1.9",
        "user_agent": "App/1\n\nOn: 1 January 2020\nYou said: yes to everything",
    }
    world.start_trial(READER, consent=consent)
    browser = world.browser()
    browser.sign_in(READER)
    text = browser.get(FILE).text
    assert "Device: App/1 On: 1 January 2020 You said: yes to everything\n" in text
    assert "You agreed to: the trial terms, version app-1\n" in text
    assert text.count("\nOn: ") == 1
