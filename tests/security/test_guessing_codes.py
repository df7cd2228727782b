"""An attacker who reads a member's mail guesses authenticator codes (SEC-6, 6.3.1, 6.3.5)."""

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
def site(world: World) -> World:
    """A member, two admins, and an uninvolved editor."""
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


def test_the_member_and_the_admins_are_told(site: World) -> None:
    thief = site.browser()
    thief.http.headers["user-agent"] = "Mozilla/5.0 (Windows NT 10.0) Gecko/20100101 Firefox/151.0"
    guess(site, thief, 4)
    assert warnings(site, SUPPORT) == []
    thief.post(CODE, code="000000")
    (member,) = warnings(site, SUPPORT)
    for words in (
        "Firefox on Windows",
        "127.0.0.1",
        "1 March 2027, 10:15",
        "change the password of your mailbox",
    ):
        assert words in " ".join(member.split())
    for admin in (ADMIN, OTHER_ADMIN):
        (notices,) = warnings(site, admin)
        assert SUPPORT in notices
        assert "/staff/members" in notices
    assert warnings(site, "editor@paper.example") == []
    thief.post(CODE, code="000000")
    assert len(warnings(site, SUPPORT)) == 1, "once for each lock"


def test_an_admin_is_told_once_of_their_own_codes(site: World) -> None:
    thief = site.browser()
    follow_link(site, thief, ADMIN)
    for _ in range(5):
        thief.post(CODE, code="000000")
    assert len(warnings(site, ADMIN)) == 1
    assert len(warnings(site, OTHER_ADMIN)) == 1


def test_each_lock_is_longer_and_the_last_ends_too(site: World) -> None:
    thief = site.browser()
    seen = []
    for _ in range(5):
        guess(site, thief)
        (row,) = site.rows("SELECT locked_until FROM staff_member WHERE email = :it", it=SUPPORT)
        seen.append((row["locked_until"] - site.now) / timedelta(hours=1))
        site.advance(seconds=(row["locked_until"] - site.now).total_seconds() + 1)
    assert seen == [0.25, 1, 4, 12, 12]
    assert len(warnings(site, SUPPORT)) == 5
    follow_link(site, thief, SUPPORT)
    assert thief.post(CODE, code=code_of(site, SUPPORT)).path == "/staff"


def test_a_right_code_makes_the_next_lock_short_again(site: World) -> None:
    browser = site.browser()
    guess(site, browser)
    site.advance(minutes=16)
    guess(site, browser)
    site.advance(minutes=61)
    follow_link(site, browser, SUPPORT)
    assert browser.post(CODE, code=code_of(site, SUPPORT)).path == "/staff"
    again = site.browser()
    guess(site, again)
    assert locked_for(site, again) == timedelta(minutes=15)


def test_guesses_elsewhere_dont_lock_a_browser_that_was_in_before(site: World) -> None:
    home = sign_in_by_mail(site, SUPPORT)
    site.advance(hours=13)
    for _ in range(3):
        thief = site.browser()
        guess(site, thief)
        follow_link(site, home, SUPPORT)
        assert home.post(CODE, code=code_of(site, SUPPORT)).path == "/staff"
        (row,) = site.rows("SELECT locked_until FROM staff_member WHERE email = :it", it=SUPPORT)
        site.advance(seconds=(row["locked_until"] - site.now).total_seconds() + 1)
    assert len(warnings(site, SUPPORT)) == 3


def test_guesses_at_home_lock_that_browser_for_an_hour_at_most(site: World) -> None:
    home = sign_in_by_mail(site, SUPPORT)
    site.advance(hours=13)
    for _ in range(3):
        guess(site, home)
        site.advance(minutes=61)
    guess(site, home)
    assert "wrong codes" in site.letters(ADMIN)[-1].subject
    elsewhere = site.browser()
    follow_link(site, elsewhere, SUPPORT)
    assert elsewhere.post(CODE, code=code_of(site, SUPPORT)).path == "/staff", "and no other one"
    site.advance(minutes=61)
    follow_link(site, home, SUPPORT)
    assert home.post(CODE, code=code_of(site, SUPPORT)).path == "/staff"


def test_the_page_says_until_when(site: World) -> None:
    browser = site.browser()
    guess(site, browser)
    assert "not taken until 10:15 on Monday 1 March 2027" in browser.page.words


def test_a_new_authenticator_ends_the_lock(site: World) -> None:
    guess(site, site.browser())
    with site.services.database.begin(site.services.site, site.now, Command("test")) as ctx:
        members.reset_codes(ctx, members.by_address(ctx.session, SUPPORT))
    assert sign_in_by_mail(site, SUPPORT).page.path == "/staff"
