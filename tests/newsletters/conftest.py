"""What tests of newsletters may use."""

import pytest

from tests.support.browser import Browser
from tests.support.newsroom import EDITOR, Newsroom
from tests.support.staff_members import add, sign_in
from tests.support.world import World


@pytest.fixture
def newsroom(world: World) -> Newsroom:
    """The sample newsletters of a blank world, with nobody on their lists."""

    def seed() -> None:
        Newsroom(world)

    world.once("the sample newsletters are seeded", seed)
    return Newsroom(world)


@pytest.fixture
def editor(newsroom: Newsroom) -> Browser:
    """An editor, editor@paper.example, signed in with link and code."""
    world = newsroom.world

    def sign_in_once() -> dict[str, str]:
        add(world, "editor", EDITOR)
        return dict(sign_in(world, EDITOR).http.cookies)

    cookies = world.once(f"{EDITOR} signs in", sign_in_once)
    browser = world.browser()
    browser.http.cookies.update(cookies)
    return browser
