"""A reader who subscribed by the pages and whose first charge was declined. Several dunning tests begin here."""

from dataclasses import dataclass
from http.cookiejar import Cookie

from tests.support.browser import Browser
from tests.support.starting_points import Subscriber
from tests.support.world import World, local

EMAIL = "naledi@example.com"
DECLINES = "4000000000000341"
ASKS_EACH_TIME = "4000002760003184"
"""The bank requires the reader to confirm every charge."""


@dataclass(frozen=True)
class Declined(Subscriber):
    """The reader, and the cookies of the browser in which they subscribed."""

    cookies: list[Cookie]

    def browser(self, world: World) -> Browser:
        """A browser with these cookies, signed in."""
        return world.browser().with_cookies(self.cookies)


def first_charge_declined(world: World, number: str) -> Declined:
    """Subscribe with this card and go on to five minutes after the first charge was declined. Needs a blank world."""

    def live() -> list[Cookie]:
        with world.browse() as browser:
            page = browser.start(EMAIL, number)
            assert page.path == "/subscribe/started", page.words
            world.advance_to(local(2027, 3, 16, 9, 5))
            return browser.cookies

    cookies = world.once(f"the first charge of the card {number} is declined", live)
    (row,) = world.rows("SELECT id, reader_id, state FROM subscription")
    assert row["state"] == "past_due"
    return Declined(EMAIL, row["reader_id"], row["id"], cookies)
