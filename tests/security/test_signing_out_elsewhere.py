"""A reader sees where they are signed in, and signs one of the devices out (SEC-3, 7.5.2)."""

import re
from http.cookiejar import Cookie

import pytest

from tests.support.browser import Answer, Browser
from tests.support.signed_in import signed_in_by_mail
from tests.support.starting_points import Subscriber
from tests.support.world import World

READER, OTHER = "thandi@example.com", "pieter@example.org"
PHONE = "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 Chrome/126.0 Mobile Safari/537.36"
BUTTON = re.compile(r'action="(/account/sessions/(ses_\w+)/sign-out)"')


@pytest.fixture
def laptop(world: World, in_trial: Subscriber) -> Browser:
    """A subscriber's desktop browser, signed in."""
    assert in_trial.email == READER
    (browser,) = signed_in_by_mail(world)
    return browser


@pytest.fixture
def phone(world: World, laptop: Browser) -> Browser:
    """The same reader's phone, signed in after the desk."""

    def live() -> list[Cookie]:
        world.advance(minutes=5)
        with world.browse() as browser:
            browser.http.headers["user-agent"] = PHONE
            browser.sign_in(READER)
            return browser.cookies

    browser = world.browser().with_cookies(world.once("the reader signs in on the phone too", live))
    browser.http.headers["user-agent"] = PHONE
    return browser


def buttons(page: Answer) -> list[str]:
    """What the page's buttons sign out, one each."""
    return [found[0] for found in BUTTON.findall(page.text)]


def id_of(world: World, email: str) -> str:
    """A reader's newest session."""
    row = world.rows(
        "SELECT s.id FROM reader_session s JOIN reader r ON r.id = s.reader_id WHERE r.email = :email ORDER BY s.id DESC",
        email=email,
    )
    return str(row[0]["id"])


def sessions(world: World) -> list[dict[str, object]]:
    """All sessions with their states."""
    return world.rows("SELECT id, ended_at, ended_reason FROM reader_session ORDER BY id")


def send(browser: Browser, session_id: str) -> Answer:
    """The form of a button that isn't on the page."""
    csrf = re.findall(r'name="csrf" value="([^"]+)"', browser.get("/account").text)[0]
    headers = {"sec-fetch-site": "same-origin"}
    return Answer(
        browser.http.post(f"/account/sessions/{session_id}/sign-out", data={"csrf": csrf}, headers=headers)
    )


def test_the_other_device_is_signed_out_and_this_one_stays(
    world: World, laptop: Browser, phone: Browser
) -> None:
    article = f"/v1/access/{world.articles['subscriber'][0]}"
    assert phone.http.get(article).json()["reason"] == "trial", "and so the gate remembers the phone"
    page = laptop.get("/account")
    assert re.search(r"Test/1 this device last seen", page.words)
    assert "Chrome on Android this device" not in page.words
    [button] = buttons(page)
    assert id_of(world, READER) in button, "the phone's; this device's own way out is at the top"

    page = laptop.post(button)
    assert page.path == "/account"
    assert "Done. That device is signed out of your account." in page.text
    assert "Chrome on Android" not in page.words
    assert not phone.http.get(article).json()["allowed"], "the gate has heard of it before it answers"
    assert phone.get("/account").path == "/sign-in"
    assert laptop.http.get(article).json()["reason"] == "trial"
    assert "Done." not in laptop.get("/account").text, "said once"


def test_pressing_twice_says_kindly_that_it_is_over(world: World, laptop: Browser, phone: Browser) -> None:
    [button] = buttons(laptop.get("/account"))
    again = laptop.filled(button)
    laptop.post(button)
    before = sessions(world)
    page = Answer(laptop.http.send(again))
    assert (page.status, page.path) == (200, "/account")
    assert "not signed in to your account any more" in page.text
    assert sessions(world) == before, "and when it ended stays as it was"


def test_anothers_session_is_as_unknown_as_one_that_never_was(world: World, laptop: Browser) -> None:
    other = world.browser()
    other.start(OTHER, "5555555555554444")
    theirs = id_of(world, OTHER)
    before = sessions(world)
    answers = [send(laptop, name) for name in (theirs, "ses_00000000000000000000000000", "%27", "none")]
    assert {(answer.status, answer.path, answer.words) for answer in answers} == {
        (200, "/account", answers[0].words)
    }
    assert all("not signed in to your account any more" in answer.text for answer in answers)
    assert sessions(world) == before
    assert other.get("/account").path == "/account"


def test_ones_own_is_signing_out(world: World, laptop: Browser) -> None:
    page = send(laptop, id_of(world, READER))
    assert page.path == "/articles"
    assert "You are signed out." in page.text
    assert "masthead-session" not in laptop.http.cookies


def test_who_is_not_signed_in_is_asked_to(world: World, laptop: Browser, phone: Browser) -> None:
    [button] = buttons(laptop.get("/account"))
    form = laptop.filled(button)
    laptop.post("/sign-out")
    assert Answer(laptop.http.send(form)).path == "/sign-in"
    assert phone.get("/account").path == "/account"
