"""Somebody who reads a member's mail guesses the codes of the member's authenticator (SEC-6, 6.3.1, 6.3.5)."""

from datetime import timedelta

import pytest

from billing.platform.actors import Command
from billing.staff import members
from tests.support.browser import Browser
from tests.support.staff_members import add, code_of, follow_link, sign_in_by_mail
from tests.support.world import World

SUPPORT, ADMIN, OTHER_ADMIN = "support@paper.example", "admin@paper.example", "second@paper.example"
CODE = "/staff/sign-in/authenticator"


@pytest.fixture
def office(world: World) -> World:
    """A member, two admins, and an editor, whom none of it concerns."""
    for role, email in (("support", ""), ("admin", ""), ("admin", OTHER_ADMIN), ("editor", "")):
        add(world, role, email)
    return world


def guess(world: World, browser: Browser, times: int = 5) -> None:
    follow_link(world, browser, SUPPORT)
    for _ in range(times):
        browser.post(CODE, code="000000")


def locked_for(world: World, browser: Browser) -> timedelta:
    """How long a right code isn't taken in this browser, to the quarter of an hour."""
    began = world.now
    for _ in range(60):
        world.advance(minutes=15, seconds=1)
        follow_link(world, browser, SUPPORT)
        if browser.post(CODE, code=code_of(world, SUPPORT)).path == "/staff":
            return timedelta(minutes=(world.now - began) // timedelta(minutes=15) * 15)
    raise AssertionError("locked for good")


def warnings(world: World, email: str) -> list[str]:
    world.settle()
    return [letter.text for letter in world.letters(email) if "wrong codes" in letter.subject]


def test_the_member_and_the_admins_are_told(office: World) -> None:
    thief = office.browser()
    thief.http.headers["user-agent"] = "Mozilla/5.0 (Windows NT 10.0) Gecko/20100101 Firefox/151.0"
    guess(office, thief, 4)
    assert warnings(office, SUPPORT) == []
    thief.post(CODE, code="000000")
    (member,) = warnings(office, SUPPORT)
    for words in (
        "Firefox on Windows",
        "127.0.0.1",
        "1 March 2027, 10:15",
        "change the password of your mailbox",
    ):
        assert words in " ".join(member.split())
    for admin in (ADMIN, OTHER_ADMIN):
        (told,) = warnings(office, admin)
        assert SUPPORT in told
        assert "/staff/members" in told
    assert warnings(office, "editor@paper.example") == []
    thief.post(CODE, code="000000")
    assert len(warnings(office, SUPPORT)) == 1, "once for each lock"


def test_an_admin_is_told_once_of_their_own_codes(office: World) -> None:
    thief = office.browser()
    follow_link(office, thief, ADMIN)
    for _ in range(5):
        thief.post(CODE, code="000000")
    assert len(warnings(office, ADMIN)) == 1
    assert len(warnings(office, OTHER_ADMIN)) == 1


def test_each_lock_is_longer_and_the_last_ends_too(office: World) -> None:
    thief = office.browser()
    seen = []
    for _ in range(5):
        guess(office, thief)
        (row,) = office.rows("SELECT locked_until FROM staff_member WHERE email = :it", it=SUPPORT)
        seen.append((row["locked_until"] - office.now) / timedelta(hours=1))
        office.advance(seconds=(row["locked_until"] - office.now).total_seconds() + 1)
    assert seen == [0.25, 1, 4, 12, 12]
    assert len(warnings(office, SUPPORT)) == 5
    follow_link(office, thief, SUPPORT)
    assert thief.post(CODE, code=code_of(office, SUPPORT)).path == "/staff"


def test_a_right_code_makes_the_next_lock_short_again(office: World) -> None:
    browser = office.browser()
    guess(office, browser)
    office.advance(minutes=16)
    guess(office, browser)
    office.advance(minutes=61)
    follow_link(office, browser, SUPPORT)
    assert browser.post(CODE, code=code_of(office, SUPPORT)).path == "/staff"
    again = office.browser()
    guess(office, again)
    assert locked_for(office, again) == timedelta(minutes=15)


def test_guesses_elsewhere_dont_lock_a_browser_that_was_in_before(office: World) -> None:
    home = sign_in_by_mail(office, SUPPORT)
    office.advance(hours=13)
    for _ in range(3):
        thief = office.browser()
        guess(office, thief)
        follow_link(office, home, SUPPORT)
        assert home.post(CODE, code=code_of(office, SUPPORT)).path == "/staff"
        (row,) = office.rows("SELECT locked_until FROM staff_member WHERE email = :it", it=SUPPORT)
        office.advance(seconds=(row["locked_until"] - office.now).total_seconds() + 1)
    assert len(warnings(office, SUPPORT)) == 3


def test_guesses_at_home_lock_that_browser_for_an_hour_at_most(office: World) -> None:
    home = sign_in_by_mail(office, SUPPORT)
    office.advance(hours=13)
    for _ in range(3):
        guess(office, home)
        office.advance(minutes=61)
    guess(office, home)
    assert "wrong codes" in office.letters(ADMIN)[-1].subject
    elsewhere = office.browser()
    follow_link(office, elsewhere, SUPPORT)
    assert elsewhere.post(CODE, code=code_of(office, SUPPORT)).path == "/staff", "and no other one"
    office.advance(minutes=61)
    follow_link(office, home, SUPPORT)
    assert home.post(CODE, code=code_of(office, SUPPORT)).path == "/staff"


def test_the_page_says_until_when(office: World) -> None:
    browser = office.browser()
    guess(office, browser)
    assert "not taken until 10:15 on Monday 1 March 2027" in browser.page.words


def test_a_new_authenticator_ends_the_lock(office: World) -> None:
    guess(office, office.browser())
    with office.parts.database.transaction() as session:
        members.reset_codes(
            session, members.by_address(session, SUPPORT), actor=Command("test"), at=office.now
        )
    assert sign_in_by_mail(office, SUPPORT).page.path == "/staff"
