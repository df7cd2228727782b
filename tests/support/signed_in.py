"""Browsers of readers who subscribed or signed in, each reached once in a process and gone back to."""

from tests.support.browser import Browser
from tests.support.starting_points import MARCH
from tests.support.world import World


def subscribed_by_pages(world: World) -> Browser:
    """A browser in which the reader of the starting points has just begun a trial, by the pages. Right after `world`."""

    def live() -> dict[str, str]:
        with world.browse() as browser:
            browser.start(MARCH.email)
            return dict(browser.http.cookies)

    cookies = world.once(f"{MARCH.email} begins a trial by the pages", live)
    return world.browser().with_cookies(cookies)


def signed_in_by_mail(world: World, email: str = MARCH.email, times: int = 1) -> list[Browser]:
    """So many browsers in which a reader signed in, one after the other. Right after `world` or a starting point."""

    def live() -> list[dict[str, str]]:
        kept = []
        for _ in range(times):
            with world.browse() as browser:
                browser.sign_in(email)
                kept.append(dict(browser.http.cookies))
        return kept

    cookies = world.once(f"{email} signs in by mail in {times} browsers", live)
    return [world.browser().with_cookies(each) for each in cookies]
