"""A reader who gives another address, confirms it, and stops it, by the pages."""

from billing.address_changes import confirm as confirming
from billing.address_changes import request
from billing.platform.actors import StaffActor
from billing.readers.address_change import PURPOSE
from billing.readers.sessions import Browser as ReaderBrowser
from tests.support.browser import Answer, Browser
from tests.support.signed_in import signed_in
from tests.support.world import World

NEW = "thandi@elsewhere.example"
STAFF = StaffActor("staff@paper.example")
ANYWHERE = ReaderBrowser(("test",), "127.0.0.1", "Test/1")


def give(world: World, browser: Browser, email: str = NEW) -> Answer:
    """Type another address in a freshly signed-in browser; the mails are sent."""
    browser.get("/account/address")
    page = browser.post("/account/address", email=email)
    world.settle()
    return page


def confirm(world: World, browser: Browser, email: str = NEW) -> Answer:
    """Open the link in the mail to the new address, and press the button."""
    browser.get(world.mailed_link(email, "/account/address/link/"))
    page = browser.post("/account/address/confirm")
    world.settle()
    return page


def change(world: World, old: str, new: str = NEW) -> Browser:
    """All of it; the browser that is signed in."""
    browser = signed_in(world, old)
    give(world, browser, new)
    assert confirm(world, browser, new).path == "/account"
    return browser


def asked(world: World, reader_id: str, email: str = NEW) -> str:
    """A change that staff begin, by the product's functions; its id."""
    with world.services.database.begin(world.services.site, world.now, STAFF) as ctx:
        return request.ask(ctx, reader_id, email).id


def confirmed(world: World, reader_id: str, email: str = NEW) -> str:
    """The same, and the new address has confirmed it. Nothing that follows is done."""
    services, change_id = world.services, asked(world, reader_id, email)
    with services.database.begin(services.site, world.now, STAFF) as ctx:
        confirming.confirm(ctx, services.site.tokens.token(PURPOSE, change_id), ANYWHERE)
    return change_id


def stop(world: World, link: str) -> Answer:
    """Open a stopping link in a browser that is signed out, and press the button."""
    browser = world.browser()
    browser.get(link)
    page = browser.post("/address/stop")
    world.settle()
    return page


def addresses(world: World) -> list[str]:
    """The readers' addresses, oldest reader first."""
    return [row["email"] for row in world.rows("SELECT email FROM reader ORDER BY id")]
