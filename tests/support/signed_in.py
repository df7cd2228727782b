"""Browsers that are signed in already."""

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
    """The browser of a reader who has just started a trial by the pages. Call it where `World.once` may be called."""
    return after(
        world, f"{email} starts a trial by the pages, with {number}", lambda it: it.start(email, number)
    )


def signed_in(world: World, email: str) -> Browser:
    """A browser in which this reader is signed in, by the product's own functions instead of a mailed link."""
    name = cookies.named(world.settings, cookies.SESSION)
    return world.browser().with_cookie(name, session_secret(world, email))


def prove_again(world: World, browser: Browser) -> Browser:
    """On the page that asks whether it is the reader: by a link, as that page says. The browser ends where it was going."""
    assert browser.page.path == "/account/confirm", browser.page.words
    email = browser.page.words.partition("We mail a link to ")[2].partition(" .")[0].strip()
    browser.post("/account/confirm")
    world.settle()
    browser.get(world.mailed_link(email, "/sign-in/link/"))
    browser.post("/sign-in/confirm")
    return browser


def session_secret(world: World, email: str) -> str:
    """The secret of a new session of a known reader: what the cookie holds."""
    (row,) = world.rows("SELECT id FROM reader WHERE email = :email", email=email)
    with world.services.database.begin(world.services.site, world.now, WORKER) as ctx:
        browser = sessions.Browser(("",), "127.0.0.1", "Test/1")
        return sessions.open_session(ctx, row["id"], browser, email_verified=True)


def after(world: World, what_happens: str, live: Callable[[Browser], object]) -> Browser:
    """A browser with the cookies it has after this. `what_happens` names it, as for `World.once`."""

    def cookies_then() -> list[Cookie]:
        with world.browse() as browser:
            live(browser)
            return browser.cookies

    return world.browser().with_cookies(world.once(what_happens, cookies_then))


def signed_in_by_mail(world: World, email: str = "thandi@example.com", times: int = 1) -> list[Browser]:
    """So many browsers in which a reader signed in by a mailed link, one after the other. Call it where `World.once` may be called."""

    def kept() -> list[list[Cookie]]:
        found = []
        for _ in range(times):
            with world.browse() as browser:
                browser.sign_in(email)
                found.append(browser.cookies)
        return found

    cookies = world.once(f"{email} signs in by mail in {times} browsers", kept)
    return [world.browser().with_cookies(each) for each in cookies]
