"""Browsers that are signed in, and the codes that sign them in."""

import re
from collections.abc import Callable
from http.cookiejar import Cookie

from billing.http import cookies
from billing.platform.actors import WORKER
from billing.readers import sessions
from tests.support.browser import Browser
from tests.support.world import World


def in_trial_by_pages(
    world: World, email: str = "thandi@example.com", number: str = "4242424242424242"
) -> Browser:
    """The browser of a reader who has just started a trial by the pages. The rules of `World.once` apply."""
    return after(
        world, f"{email} starts a trial by the pages, with {number}", lambda it: it.start(email, number)
    )


def signed_in(world: World, email: str) -> Browser:
    """A browser in which this reader is signed in, by the product's functions instead of a mailed link."""
    name = cookies.cookie_name(world.settings, cookies.SESSION)
    return world.browser().with_cookie(name, session_secret(world, email))


def prove_again(world: World, browser: Browser) -> Browser:
    """Pass the page that requires a fresh sign-in, by its mailed link. The browser ends on the page it wanted."""
    assert browser.page.path == "/account/confirm", browser.page.words
    email = browser.page.words.partition("We mail a link to ")[2].partition(" .")[0].strip()
    browser.post("/account/confirm")
    world.settle()
    browser.get(world.mailed_link(email, "/sign-in/link/"))
    browser.post("/sign-in/confirm")
    return browser


def mailed_code(world: World, email: str) -> str:
    """The eight digits in the newest sign-in mail to this address."""
    world.settle()
    letter = [letter for letter in world.letters(email) if "/sign-in/link/" in letter.text][-1]
    (code,) = re.findall(r"^ *(\d{8}) *$", letter.text, re.MULTILINE)
    return str(code)


def session_secret(world: World, email: str) -> str:
    """Open a session of a known reader; return its secret, the value of the cookie."""
    (row,) = world.rows("SELECT id FROM reader WHERE email = :email", email=email)
    with world.services.database.begin(world.services.site, world.now, WORKER) as ctx:
        browser = sessions.Browser(("",), "127.0.0.1", "Test/1")
        return sessions.open_session(ctx, row["id"], browser, email_verified=True)


def after(world: World, what_happens: str, live: Callable[[Browser], object]) -> Browser:
    """A browser with the cookies that it has after `live`. `what_happens` is the name for `World.once`."""

    def cookies_then() -> list[Cookie]:
        with world.browse() as browser:
            live(browser)
            return browser.cookies

    return world.browser().with_cookies(world.once(what_happens, cookies_then))


def signed_in_by_mail(world: World, email: str = "thandi@example.com", times: int = 1) -> list[Browser]:
    """`times` browsers in which the reader signed in by mail, one after the other. The rules of `World.once` apply."""

    def kept() -> list[list[Cookie]]:
        found = []
        for _ in range(times):
            with world.browse() as browser:
                browser.sign_in(email)
                found.append(browser.cookies)
        return found

    cookies = world.once(f"{email} signs in by mail in {times} browsers", kept)
    return [world.browser().with_cookies(jar) for jar in cookies]
