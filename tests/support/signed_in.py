"""Browsers that are signed in already. Getting there is lived through once in a process, like a starting point."""

from collections.abc import Callable, Iterable
from http.cookiejar import Cookie

from tests.support.browser import Browser
from tests.support.world import World


def in_trial_by_pages(
    world: World, email: str = "thandi@example.com", number: str = "4242424242424242"
) -> Browser:
    """The browser of a reader who has just started a trial by the pages. Call it where `World.once` may be called."""
    return after(
        world, f"{email} starts a trial by the pages, with {number}", lambda it: it.start(email, number)
    )


def signed_in(world: World, email: str) -> Browser:
    """A browser in which this reader has just signed in by a mailed link. Call it where `World.once` may be called."""
    return after(world, f"{email} signs in", lambda browser: browser.sign_in(email))


def after(world: World, what_happens: str, live: Callable[[Browser], object]) -> Browser:
    """A browser with the cookies it has after this. `what_happens` names it, as for `World.once`."""

    def cookies() -> list[Cookie]:
        with world.browse() as browser:
            live(browser)
            return cookies_of(browser)

    return with_cookies(world, world.once(what_happens, cookies))


def cookies_of(browser: Browser) -> list[Cookie]:
    """What `with_cookies` takes, also when it was kept by `World.once`."""
    return list(browser.http.cookies.jar)


def with_cookies(world: World, cookies: Iterable[Cookie]) -> Browser:
    """A fresh browser that has these."""
    browser = world.browser()
    for cookie in cookies:
        browser.http.cookies.jar.set_cookie(cookie)
    return browser
