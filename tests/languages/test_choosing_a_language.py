"""A reader's language: what the browser asks for, what is chosen, what is kept."""

import re

import pytest

from billing.http import cookies
from tests.support.browser import Browser
from tests.support.routes import is_named_refusal
from tests.support.signed_in import in_trial_by_pages, mailed_code, signed_in
from tests.support.staff_members import SignIn
from tests.support.world import World

READER = "thandi@example.com"


def language_of(browser: Browser) -> str:
    """The language that the page says it is in."""
    found = re.search(r'<html lang="([^"]+)">', browser.page.text)
    assert found is not None
    return found[1]


@pytest.mark.parametrize(
    ("asked", "shown"),
    [
        ("", "en-ZA"),
        ("en-ZA,en;q=0.9", "en-ZA"),
        ("af", "af-ZA"),
        ("af-ZA,af;q=0.9,en;q=0.8", "af-ZA"),
        ("AF", "af-ZA"),
        ("st,zu;q=0.7,en;q=0.3", "zu-ZA"),
        ("en;q=0.5,af;q=0.6", "af-ZA"),
        ("af;q=0,en", "en-ZA"),
        ("af;q=high, zu", "zu-ZA"),
        ("fr,de", "en-ZA"),
        (";;q=,,-,*" + "x" * 5_000, "en-ZA"),
    ],
)
def test_the_offer_is_in_the_language_that_the_browser_asks_for(world: World, asked: str, shown: str) -> None:
    browser = world.browser()
    browser.http.headers["accept-language"] = asked
    browser.get("/")
    assert language_of(browser) == shown


def test_a_choice_stays_and_leads_back_to_the_page(world: World) -> None:
    browser = world.browser().again("/newsletters").in_language("af")
    assert (browser.page.path, language_of(browser)) == ("/newsletters", "af-ZA")
    browser.http.headers["accept-language"] = "zu"
    assert language_of(browser.again("/subscribe")) == "af-ZA", (
        "what was chosen goes before what is asked for"
    )
    assert language_of(browser.in_language("en").again("/")) == "en-ZA"
    assert browser.page.text.count('aria-current="true"') == 1


def test_a_choice_after_a_refused_form_leads_to_the_offer(world: World) -> None:
    browser = world.browser().again("/subscribe")
    assert browser.post("/subscribe", email="nobody").status == 422
    assert browser.in_language("af").page.path == "/"


def test_the_choice_of_a_reader_is_known_in_another_browser(world: World) -> None:
    browser = in_trial_by_pages(world, READER)
    browser.again("/account").in_language("af")
    assert language_of(signed_in(world, READER).again("/account")) == "af-ZA"
    assert language_of(world.browser().again("/")) == "en-ZA", "a stranger is shown the publication's own"


def test_what_was_chosen_before_signing_in_is_kept_with_the_reader(world: World) -> None:
    in_trial_by_pages(world, READER)
    browser = world.browser().again("/sign-in").in_language("af")
    browser.post("/sign-in", email=READER)
    browser.post("/sign-in/code", code=mailed_code(world, READER))
    assert language_of(browser.again("/account")) == "af-ZA"
    assert world.rows("SELECT language FROM reader WHERE email = :email", email=READER) == [
        {"language": "af"}
    ]


def test_a_new_reader_keeps_the_language_of_the_browser_that_began(world: World) -> None:
    browser = world.browser()
    browser.http.headers["accept-language"] = "af,en;q=0.5"
    browser.start(READER)
    world.settle()
    assert world.rows("SELECT language FROM reader WHERE email = :email", email=READER) == [
        {"language": "af"}
    ]
    languages = {row["language"] for row in world.rows("SELECT language FROM message")}
    assert languages == {"af"}


def test_a_program_and_staff_decide_nothing_about_a_readers_language(world: World, staff: SignIn) -> None:
    world.start_trial(READER)
    support = staff("support")
    for member, page in ((support, "/staff"), (world.browser(), "/staff/sign-in")):
        member.http.headers["accept-language"] = "af"
        assert language_of(member.again(page)) == "en-ZA"
        assert 'action="/language"' not in member.page.text
    assert world.rows("SELECT language FROM reader WHERE email = :email", email=READER) == [
        {"language": None}
    ]


@pytest.mark.parametrize(
    "back", ["//evil.example", "/\\evil.example", "https://evil.example/", "", "/a\r\nb: c", "/☃"]
)
def test_the_way_back_is_on_this_host(world: World, back: str) -> None:
    answer = world.http_client().post("/language", data={"language": "af", "back": back})
    assert (answer.status_code, answer.headers["location"]) == (303, "/")


@pytest.mark.parametrize("code", ["", "xx", "af-ZA", "../af", "☃" * 100])
def test_a_language_that_is_not_offered_changes_nothing(world: World, code: str) -> None:
    answer = world.http_client().post("/language", data={"language": code, "back": "/newsletters"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/newsletters")
    assert cookies.LANGUAGE not in answer.headers.get("set-cookie", "")


def test_another_site_cannot_choose(world: World) -> None:
    for headers in ({"sec-fetch-site": "cross-site"}, {"origin": "https://evil.example"}):
        form = {"language": "af", "back": "/"}
        answer = world.http_client().post("/language", data=form, headers=headers | {"accept": "text/html"})
        assert answer.status_code == 403
        assert is_named_refusal(answer)
