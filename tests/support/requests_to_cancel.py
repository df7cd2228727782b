"""A form of the contact page that asks to cancel, and the requests that wait."""

from tests.support.browser import Answer, Browser
from tests.support.starting_points import fast_forward
from tests.support.world import World, local

READER = "thandi@example.com"


def ask(browser: Browser, words: str = "", email: str = READER) -> Answer:
    """Send the form."""
    browser.get("/contact")
    return browser.post("/contact", kind="cancel", email=email, words=words)


def asked_by_a_stranger(world: World) -> None:
    """14 April, 11:00: somebody has just sent the form; the next charge is in two days. Call it right after `paid`."""
    fast_forward(world, local(2027, 4, 14, 11))

    def live() -> None:
        with world.browse() as browser:
            ask(browser, "Please stop.")

    world.once("somebody asks by form to cancel", live)


def open_requests(world: World) -> list[dict[str, object]]:
    """The requests that wait for an answer, oldest first."""
    return world.rows("SELECT * FROM reader_request WHERE closed_at IS NULL ORDER BY id")
