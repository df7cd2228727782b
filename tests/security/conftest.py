"""A house with people in it, shared by the tests of one file where they leave it as it was."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from billing.office import CANCEL, CARD
from tests.support.browser import Browser
from tests.support.databases import Databases
from tests.support.world import World

PAYING, TRYING = "nomsa@example.com", "pieter@example.org"


@dataclass
class House:
    """A reader who pays, one in a trial, each with a browser; and names for what is theirs."""

    world: World
    payer: Browser
    trier: Browser
    names: dict[str, dict[str, str]] = field(default_factory=dict)

    def token(self, purpose: str, of: str) -> str:
        """The token of a mailed link."""
        return self.world.parts.office.tokens.token(purpose, self.names[of]["subscription_id"])


def furnish(world: World) -> House:
    """Two readers, twenty days in: the first has paid once."""
    payer, trier = world.browser(), world.browser()
    payer.start(PAYING)
    world.advance(days=20)
    trier.start(TRYING, "5555555555554444")
    world.settle()
    house = House(world, payer, trier)
    for email in (PAYING, TRYING):
        house.names[email] = _names(world, email)
    return house


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


@pytest.fixture(scope="module")
def house(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Shared by a file; whoever changes something leaves."""
    folder: Path = tmp_path_factory.mktemp("letters")
    with databases.fresh() as url, World(url, mailbox_dir=folder) as world:
        yield furnish(world)


def open_everything(house: House, browser: Browser, email: str) -> str:
    """Visit pages until every form has what it needs: session, mailed links, card page; the browser's form token."""
    browser.get(f"/card/{house.token(CARD, email)}")
    browser.get(f"/cancel/{house.token(CANCEL, email)}")
    return token_of(browser)


def token_of(browser: Browser) -> str:
    """What a page of ours puts into each of its forms."""
    page = browser.get("/account")
    _, found, rest = page.text.partition('name="csrf" value="')
    assert found, page.words
    return rest.partition('"')[0]
