"""Strangers request another person's links, to keep the owner of the address from signing in (SEC-1, SEC-8)."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from tests.support.browser import Answer, Browser
from tests.support.signed_in import mailed_code
from tests.support.staff_members import add, code_of, follow_link
from tests.support.world import World

READER, MEMBER = "thandi@example.com", "admin@paper.example"
Ask = Callable[[Browser, str], Answer]


@pytest.fixture
def behind_proxy(make_world: Callable[..., World]) -> World:
    """Masthead behind a proxy that forwards each request's address, with an admin."""
    world = make_world(proxy_count=1)
    add(world, "admin", MEMBER)
    return world


def from_network(world: World, address: str) -> Browser:
    browser = world.browser()
    browser.http.headers["x-forwarded-for"] = address
    return browser


def ask(browser: Browser, door: str) -> Answer:
    browser.get(door)
    return browser.post(door, email=READER if door == "/sign-in" else MEMBER)


def newest_link(world: World, door: str) -> str:
    world.settle()
    return world.mailed_link(READER if door == "/sign-in" else MEMBER, f"{door}/link/")


def enters(browser: Browser, world: World, door: str) -> bool:
    """Sign in by the mailed link that this browser requested, if allowed."""
    world.settle()  # what strangers asked for is on its way
    if ask(browser, door).status != 200:
        return False
    browser.get(newest_link(world, door))
    browser.post(f"{door}/confirm")
    if door == "/sign-in":
        return browser.page.path == "/account"
    world.advance(seconds=60)  # a code works once
    browser.get(f"{door}/authenticator")
    return browser.post(f"{door}/authenticator", code=code_of(world, MEMBER)).path == "/staff"


def at_home(world: World, door: str) -> Browser:
    """A browser in which the owner of the address has signed in before, and out again."""
    browser = from_network(world, "196.25.1.9")
    assert enters(browser, world, door)
    if door == "/sign-in":
        browser.post("/sign-out")
        assert browser.get("/account").path == "/sign-in"
    else:
        browser.post("/staff/sign-out")
        assert browser.get("/staff").path == "/staff/sign-in"
    world.advance(minutes=30)
    return browser


DOORS = pytest.mark.parametrize("door", ["/sign-in", "/staff/sign-in"])


@DOORS
def test_five_asks_by_strangers_leave_room_for_a_known_browser(behind_proxy: World, door: str) -> None:
    home = at_home(behind_proxy, door)
    seen = [ask(from_network(behind_proxy, f"41.0.0.{n}"), door).status for n in range(7)]
    assert seen == [200] * 5 + [429] * 2, "strangers are limited as before"
    assert enters(home, behind_proxy, door)


@DOORS
def test_a_strangers_ask_leaves_the_link_that_was_sent(behind_proxy: World, door: str) -> None:
    owner = from_network(behind_proxy, "196.25.1.9")
    ask(owner, door)
    mine = newest_link(behind_proxy, door)
    ask(from_network(behind_proxy, "41.0.0.1"), door)
    assert newest_link(behind_proxy, door) != mine
    assert owner.get(mine).status == 200
    assert owner.post(f"{door}/confirm").path in ("/account", "/staff/sign-in/authenticator")


@DOORS
def test_a_strangers_ask_leaves_the_mail_that_waits(behind_proxy: World, door: str) -> None:
    owner = from_network(behind_proxy, "196.25.1.9")
    ask(owner, door)
    ask(from_network(behind_proxy, "41.0.0.1"), door)
    waiting = behind_proxy.rows("SELECT state FROM message WHERE kind = 'sign_in_link'")
    assert [row["state"] for row in waiting] == ["queued", "queued"]


@DOORS
def test_the_newest_link_of_a_browser_still_kills_its_older_ones(behind_proxy: World, door: str) -> None:
    owner = from_network(behind_proxy, "196.25.1.9")
    ask(owner, door)
    older = newest_link(behind_proxy, door)
    ask(owner, door)
    assert owner.get(older).status == 410
    assert owner.get(newest_link(behind_proxy, door)).status == 200


@DOORS
def test_the_links_that_are_open_for_an_address_stay_few(behind_proxy: World, door: str) -> None:
    home = at_home(behind_proxy, door)
    for n in range(12):
        ask(from_network(behind_proxy, f"41.0.{n}.1"), door)
        ask(home, door)
    table = "sign_in_link" if door == "/sign-in" else "staff_link"
    (row,) = behind_proxy.rows(
        f"SELECT count(*) AS n FROM {table} WHERE used_at IS NULL AND expires_at > :now", now=behind_proxy.now
    )
    assert row["n"] == 6, "five of strangers, one of the browser at home"


@DOORS
def test_a_browser_that_was_in_before_has_its_own_limit(behind_proxy: World, door: str) -> None:
    home = at_home(behind_proxy, door)
    assert [ask(home, door).status for _ in range(7)] == [200] * 5 + [429] * 2
    assert ask(from_network(behind_proxy, "41.0.0.1"), door).status == 200, "which it shares with no other"


@DOORS
def test_one_network_that_keeps_asking_leaves_room_for_a_new_browser_elsewhere(
    behind_proxy: World, door: str
) -> None:
    """One network asks every minute. The owner, in a new browser elsewhere, signs in within the hour."""
    for _ in range(49):
        ask(from_network(behind_proxy, "41.0.0.1"), door)
        behind_proxy.skip_to(behind_proxy.now + timedelta(minutes=1))
    assert enters(from_network(behind_proxy, "105.0.0.1"), behind_proxy, door)


@DOORS
def test_codes_typed_by_a_neighbour_leave_room_for_a_known_browser(behind_proxy: World, door: str) -> None:
    """A guest in the same network types thirty wrong codes."""
    home = at_home(behind_proxy, door)
    for n in range(8):
        guest = from_network(behind_proxy, "196.25.1.9")
        guest.get(door)
        guest.post(door, email=f"guest{n}@example.com")
        csrf = guest.page.text.partition('name="csrf" value="')[2].partition('"')[0]
        for _ in range(4):
            form = {"csrf": csrf, "code": "12345678"}
            guest.http.post(f"{door}/code", data=form, headers={"sec-fetch-site": "same-origin"})
    ask(home, door)
    code = mailed_code(behind_proxy, READER if door == "/sign-in" else MEMBER)
    home.get(f"{door}/sent")
    assert home.post(f"{door}/code", code=code).status == 200


def test_a_browser_known_for_one_address_is_a_stranger_to_another(behind_proxy: World) -> None:
    home = at_home(behind_proxy, "/sign-in")
    for n in range(5):
        browser = from_network(behind_proxy, f"41.0.0.{n}")
        browser.get("/sign-in")
        browser.post("/sign-in", email="sipho@example.com")
    home.get("/sign-in")
    assert home.post("/sign-in", email="sipho@example.com").status == 429


def test_who_started_with_a_strangers_address_is_not_known_for_it(behind_proxy: World) -> None:
    """Only a mailed link makes a browser known: anybody may type an address and give a card."""
    thief = from_network(behind_proxy, "41.0.1.1")
    thief.start(READER)
    thief.get("/account")
    thief.post("/sign-out")
    for n in range(5):
        ask(from_network(behind_proxy, f"41.0.0.{n}"), "/sign-in")
    assert ask(thief, "/sign-in").status == 429


def test_a_member_who_may_not_sign_in_any_more_is_a_stranger(behind_proxy: World) -> None:
    home = at_home(behind_proxy, "/staff/sign-in")
    behind_proxy.execute("UPDATE staff_member SET disabled_at = :now", now=behind_proxy.now)
    for n in range(5):
        ask(from_network(behind_proxy, f"41.0.0.{n}"), "/staff/sign-in")
    assert ask(home, "/staff/sign-in").status == 429


def test_the_code_page_of_a_member_is_reached_by_link_alone(behind_proxy: World) -> None:
    """A known browser skips no step: it needs the mailed link too."""
    home = at_home(behind_proxy, "/staff/sign-in")
    assert home.get("/staff/sign-in/authenticator").path == "/staff/sign-in"
    follow_link(behind_proxy, home, MEMBER)
