"""A reader agrees in the language of the page, and its words are what is recorded (CARD-1)."""

import html
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.browser import Browser
from tests.support.cli import run_on
from tests.support.pseudo_language import write_catalogue
from tests.support.world import World, local

EMAIL = "thandi@example.com"
ON_THE_BUTTON = "Agree and continue to the card"


@pytest.fixture(scope="module")
def catalogues(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two languages that have every message, and one, `xn`, that lacks the words on a button of the review."""
    folder = tmp_path_factory.mktemp("catalogues")
    for code, without in (("xa", ""), ("xb", ""), ("xn", ON_THE_BUTTON)):
        write_catalogue(folder, code, without=without)
    return folder


@pytest.fixture
def speaking(make_world: Callable[..., World], catalogues: Path) -> World:
    """The installation that offers them."""
    return make_world(languages="en,xa,xb,xn", languages_folder=str(catalogues))


@dataclass
class Kept:
    """A consent as it is recorded."""

    text_version: str
    words: str


def kept(world: World, kind: str = "trial") -> list[Kept]:
    """The consents of a kind."""
    rows = world.rows(
        f"SELECT c.text_version, words FROM consent c JOIN consent_text USING (text_hash) WHERE kind = '{kind}'"
    )
    return [Kept(row["text_version"], row["words"]) for row in rows]


def at_the_review(world: World, code: str) -> Browser:
    """A stranger who reads in this language, before the box."""
    browser = world.browser().again("/subscribe").in_language(code)
    assert browser.again("/subscribe").post("/subscribe", email=EMAIL).path == "/subscribe/review"
    return browser


def beside_the_box(browser: Browser) -> str:
    """The sentence beside the box, as the page shows it."""
    found = re.search(r'name="consent"[^>]*><span>(.*?)</span>', browser.page.text, re.DOTALL)
    assert found is not None
    return html.unescape(found[1])


def test_what_is_shown_in_a_language_is_recorded_word_for_word(speaking: World) -> None:
    browser = at_the_review(speaking, "xa")
    shown = beside_the_box(browser)
    assert shown.startswith("⟦xa Yes, start my 14 days free. From ⟦xa 16 ⟦xa March⟧ 2027⟧ charge my card")
    assert browser.agree_and_pay().path == "/subscribe/started"
    assert kept(speaking) == [Kept("trial-2026-11-xa", shown)]


def test_english_keeps_the_name_of_its_version(speaking: World) -> None:
    browser = at_the_review(speaking, "en")
    shown = beside_the_box(browser)
    browser.agree_and_pay()
    assert kept(speaking) == [Kept("trial-2026-11", shown)]


@pytest.mark.parametrize("other", ["en", "xb", "xn"])
def test_a_language_chosen_in_another_tab_changes_nothing_of_what_was_agreed_to(
    speaking: World, other: str
) -> None:
    browser = at_the_review(speaking, "xa")
    open_page, shown = browser.page, beside_the_box(browser)
    browser.in_language(other)
    browser.page = open_page
    assert browser.agree_and_pay().path == "/subscribe/started"
    assert kept(speaking) == [Kept("trial-2026-11-xa", shown)]


def test_a_page_that_lacks_a_message_is_english_and_so_is_what_is_recorded(speaking: World) -> None:
    browser = at_the_review(speaking, "xn")
    assert '<html lang="en-ZA">' in browser.page.text
    assert ON_THE_BUTTON in browser.page.words
    shown = beside_the_box(browser)
    assert shown.startswith("Yes, start my 14 days free. From 16 March 2027")
    browser.agree_and_pay()
    assert kept(speaking) == [Kept("trial-2026-11", shown)]


def test_what_has_changed_is_said_in_the_language_of_the_page(speaking: World) -> None:
    browser = at_the_review(speaking, "xa")
    words = ("prices", "add", "--plan", "monthly", "--cents", "8500", "--from", "2027-03-01")
    assert run_on(speaking, *words).exit_code == 0
    page = browser.post("/subscribe/review", consent="yes")
    assert page.status == 409
    assert (
        "⟦xa The price is now ⟦xa ⟦xa R85.00⟧ incl. VAT⟧ instead of ⟦xa ⟦xa R75.00⟧ incl. VAT⟧.⟧"
        in page.words
    )
    assert not kept(speaking)
    shown = beside_the_box(browser)
    browser.agree_and_pay()
    assert kept(speaking) == [Kept("trial-2026-11-xa", shown)]


def test_another_plan_is_agreed_to_in_the_language_of_its_page(speaking: World) -> None:
    browser = at_the_review(speaking, "xa")
    browser.agree_and_pay()
    speaking.advance_to(local(2027, 3, 16, 9))
    shown = beside_the_box(browser.again("/account/plan?to=yearly"))
    assert shown.startswith("⟦xa Yes, on ")
    assert browser.post("/account/plan", consent="yes").path == "/account"
    assert kept(speaking, "switch") == [Kept("switch-year-2026-11-xa", shown)]
