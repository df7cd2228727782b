"""An account has a limited number of browsers; the newest win, and the others get a friendly message."""

from collections.abc import Callable

from tests.support.browser import Browser
from tests.support.world import World

ADDRESS = "thandi@example.com"


def signed_in(browser: Browser) -> bool:
    return browser.get("/account").path == "/account"


def test_the_newest_browsers_win_and_the_oldest_is_told_once(make_world: Callable[..., World]) -> None:
    world = make_world(session_limit=2)
    first, second, third = (world.browser() for _ in range(3))
    for browser in (first, second):
        browser.sign_in(ADDRESS)
        world.advance(hours=2)
    assert signed_in(first), "and so it is the one seen last"
    third.sign_in(ADDRESS)
    assert [signed_in(browser) for browser in (first, second, third)] == [True, False, True]
    reason = world.rows("SELECT ended_reason FROM reader_session WHERE ended_at IS NOT NULL")
    assert reason == [{"ended_reason": "limit"}]

    again = world.browser()
    again.sign_in(ADDRESS)
    third.http.cookies.delete("masthead-flash")
    loser = third if not signed_in_quietly(third) else first
    page = loser.get("/articles")
    assert "an account is used in 2 browsers at once" in page.text
    assert "an account is used in" not in loser.get("/articles").text, "told once"
    assert loser.get("/sign-in").path == "/sign-in"


def signed_in_quietly(browser: Browser) -> bool:
    """Whether the browser is signed in, without opening a page, which would show the notice."""
    answer = browser.http.get("/v1/access/the-school-on-platform-two").json()
    return bool(answer["allowed"])


def test_signing_in_again_in_one_browser_takes_nobodys_place(make_world: Callable[..., World]) -> None:
    world = make_world(session_limit=2)
    here, there = world.browser(), world.browser()
    there.sign_in(ADDRESS)
    for _ in range(3):
        here.sign_in(ADDRESS) if not signed_in(here) else None
        here.get("/articles")
        link_again(world, here)
    assert signed_in(there)


def link_again(world: World, browser: Browser) -> None:
    """A second link, followed where one is signed in already."""
    token = browser.get("/contact").text.partition('name="csrf" value="')[2].partition('"')[0]
    browser.http.post("/sign-in", data={"csrf": token, "email": ADDRESS})
    world.settle()
    browser.get(world.mailed_link(ADDRESS, "/sign-in/link/"))
    browser.post("/sign-in/confirm")


def test_zero_means_any_number(make_world: Callable[..., World]) -> None:
    world = make_world(session_limit=0)
    browsers = [world.browser() for _ in range(7)]
    for browser in browsers:
        browser.sign_in(ADDRESS)
        world.advance(minutes=11)
    assert all(signed_in(browser) for browser in browsers)
