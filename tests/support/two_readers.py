"""Two readers: one pays, the other is in a trial."""

from dataclasses import dataclass
from http.cookiejar import Cookie

from billing.platform.site import CANCEL, CARD
from tests.support.browser import Browser
from tests.support.world import World

PAYING, TRYING = "nomsa@example.com", "pieter@example.org"
Cookies = list[Cookie]
Names = dict[str, dict[str, str]]


@dataclass
class TwoReaders:
    """A paying reader and one in a trial, each with a browser. `names` are the ids of each reader's rows."""

    world: World
    payer: Browser
    trier: Browser
    names: Names

    def token(self, purpose: str, of: str) -> str:
        """The token of a mailed link of this reader."""
        return self.world.services.site.tokens.token(purpose, self.names[of]["subscription_id"])


def two_readers(world: World) -> TwoReaders:
    """Both start by the pages, the second on 21 March 2027, twenty days after the first, who has paid once by then."""
    kept = world.once("one reader pays, another begins a trial, by the pages", lambda: _subscribe(world))
    payer, trier = (world.browser().with_cookies(cookies) for cookies in kept)
    return TwoReaders(world, payer, trier, {email: _names(world, email) for email in (PAYING, TRYING)})


def _subscribe(world: World) -> tuple[Cookies, Cookies]:
    with world.browse() as payer, world.browse() as trier:
        payer.start(PAYING)
        world.advance(days=20)
        trier.start(TRYING, "5555555555554444")
        return payer.cookies, trier.cookies


def _names(world: World, email: str) -> dict[str, str]:
    row = world.rows(
        "SELECT r.id AS reader_id, s.id AS subscription_id, i.id AS invoice_id, p.id AS payment_id"
        " FROM reader r JOIN subscription s ON s.reader_id = r.id"
        " LEFT JOIN invoice i ON i.subscription_id = s.id LEFT JOIN payment p ON p.invoice_id = i.id WHERE r.email = :email",
        email=email,
    )[0]
    return {
        **{name: value or "none" for name, value in row.items()},
        "article_id": world.articles["subscriber"][0],
        "letter_id": "none",
    }


def open_everything(readers: TwoReaders, browser: Browser, email: str) -> str:
    """Visit the pages that set the cookies every form needs; return the browser's form token."""
    browser.get(f"/card/{readers.token(CARD, email)}")
    browser.get(f"/cancel/{readers.token(CANCEL, email)}")
    return token_of(browser)


def token_of(browser: Browser) -> str:
    """The CSRF token that our pages put into their forms."""
    page = browser.get("/account")
    _, found, rest = page.text.partition('name="csrf" value="')
    assert found, page.words
    return rest.partition('"')[0]
