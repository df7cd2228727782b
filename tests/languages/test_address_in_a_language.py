"""A reader changes the address in another language than English: the pages, and the mails to both addresses."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.another_address import NEW, addresses, confirm, give
from tests.support.pseudo_language import write_catalogue
from tests.support.signed_in import in_trial_by_pages, signed_in
from tests.support.world import World

OLD = "thandi@example.com"
WRONG_CODE = "That isn’t the code from the mail. Please check the digits."


@pytest.fixture(scope="module")
def catalogues(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A language that has every message, in brackets."""
    folder = tmp_path_factory.mktemp("catalogues")
    write_catalogue(folder, "xa")
    return folder


@pytest.fixture
def speaking(make_world: Callable[..., World], catalogues: Path) -> World:
    """The installation that offers it beside English, with a reader who has chosen nothing."""
    world = make_world(languages="en,xa", languages_folder=str(catalogues))
    in_trial_by_pages(world, OLD)
    world.execute("UPDATE reader SET language = NULL")
    return world


def test_all_is_in_the_readers_language(speaking: World) -> None:
    browser = signed_in(speaking, OLD).again("/account").in_language("xa")
    assert "⟦xa New email address⟧" in browser.get("/account/address").text
    assert "⟦xa Check your mail⟧" in give(speaking, browser).text
    assert f"⟦xa {WRONG_CODE}⟧" in browser.post("/account/address/code", code="00000000").text
    asked = speaking.letter(OLD, "Another address was given")
    assert "⟦xa March⟧ 2027" in asked.text, "the moment, too"
    assert "⟦xa " in speaking.letter(NEW, "Confirm your new address for").subject
    confirm(speaking, browser)
    assert addresses(speaking) == [NEW]
    assert "⟦xa March⟧ 2027" in speaking.letter(OLD, "has another address now").text


def test_who_signs_in_with_the_old_address_is_answered_in_the_language_of_their_browser(
    speaking: World,
) -> None:
    browser = signed_in(speaking, OLD)
    give(speaking, browser)
    confirm(speaking, browser)
    stranger = speaking.browser().again("/sign-in").in_language("xa")
    stranger.again("/sign-in").post("/sign-in", email=OLD)
    speaking.settle()
    assert "⟦xa Someone asked to sign in" in speaking.letter(OLD, "has another address").text


def test_the_new_address_is_written_to_in_the_language_of_the_browser(speaking: World) -> None:
    browser = signed_in(speaking, OLD)
    browser.http.headers["accept-language"] = "xa"
    give(speaking, browser)
    assert "⟦xa " in speaking.letter(NEW, "Confirm your new address for").subject
    warning = speaking.letter(OLD, "Another address was given")
    assert "⟦" not in warning.text, "nobody decides in which language another mailbox is warned"
