"""Fixtures of the newsletters' tests."""

from http.cookiejar import Cookie

import pytest

from tests.support.browser import Browser
from tests.support.newsroom import EDITOR, Newsroom
from tests.support.staff_members import add, sign_in
from tests.support.world import World


@pytest.fixture
def newsroom(world: World) -> Newsroom:
    """The sample newsletters of a blank world, without subscribers."""

    def seed() -> None:
        Newsroom(world)

    world.once("the sample newsletters are seeded", seed)
    return Newsroom(world)


@pytest.fixture
def editor(newsroom: Newsroom) -> Browser:
    """A browser in which editor@paper.example is signed in."""
    world = newsroom.world

    def sign_in_once() -> list[Cookie]:
        add(world, "editor", EDITOR)
        return sign_in(world, EDITOR).cookies

    return world.browser().with_cookies(world.once(f"{EDITOR} signs in", sign_in_once))
