"""Staff at work: members who sign in by the pages, as they would."""

from collections.abc import Callable

import pytest

from billing.staff import codes, members
from billing.staff.audit import Actor
from billing.staff.models import StaffMember
from billing.staff.roles import Role
from tests.support.browser import Browser
from tests.support.world import World

SignIn = Callable[..., Browser]


def add(world: World, role: str, email: str = "") -> StaffMember:
    """Let somebody work here."""
    with world.parts.database.transaction() as session:
        return members.add(
            session, email or f"{role}@paper.example", Role(role), actor=Actor("test"), at=world.now
        )


def code_of(world: World, email: str, *, steps: int = 0) -> str:
    """What the member's authenticator shows now, or so many steps from now."""
    with world.parts.database.transaction() as session:
        member = members.by_address(session, email)
        return codes._code(world.parts.office.tokens, member, codes._now(world.now) + steps)


def sign_in(world: World, email: str) -> Browser:
    """The link, the button, the code; the browser ends on the first page of staff."""
    browser = world.browser()
    follow_link(world, browser, email)
    browser.post("/staff/sign-in/authenticator", code=code_of(world, email))
    assert browser.page.path.startswith("/staff"), browser.page.words
    assert browser.page.status == 200, browser.page.words
    return browser


def follow_link(world: World, browser: Browser, email: str) -> None:
    """Up to the page that asks for the code."""
    browser.get("/staff/sign-in")
    browser.post("/staff/sign-in", email=email)
    world.settle()
    link = next(link for link in world.letters(email)[-1].links if "/staff/sign-in/link/" in link)
    browser.get(link)
    browser.post("/staff/sign-in/confirm")
    assert browser.page.path == "/staff/sign-in/authenticator", browser.page.words


@pytest.fixture
def staff(world: World) -> SignIn:
    """`staff("support")` is a browser signed in as that role."""

    def enter(role: str, email: str = "") -> Browser:
        return sign_in(world, add(world, role, email).email)

    return enter
