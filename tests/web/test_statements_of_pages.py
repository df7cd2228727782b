"""How many statements and transactions a page takes. Each statement costs about as much as rendering the page."""

from collections.abc import Callable

import pytest

from tests.support.browser import Browser
from tests.support.signed_in import signed_in
from tests.support.staff_members import SignIn
from tests.support.starting_points import Subscriber, fast_forward
from tests.support.statements import transactions
from tests.support.world import World, local


def a_stranger(world: World, _: Subscriber) -> Browser:
    """A browser that has been here before."""
    return world.browser().again("/")


def at_the_review(world: World, _: Subscriber) -> Browser:
    """A browser in which an address was typed."""
    browser = world.browser().again("/subscribe")
    browser.post("/subscribe", email="sipho@example.com")
    return browser


def who_used_the_meter_up(world: World, _: Subscriber) -> Browser:
    """A browser that has read all the metered articles that it may."""
    browser = world.browser()
    for article in world.articles["metered"]:
        browser.get(f"/articles/{article}")
    return browser


def a_subscriber(world: World, paid: Subscriber) -> Browser:
    """The signed-in browser of a reader who has paid once."""
    return signed_in(world, paid.email)


def a_registered_reader(world: World, _: Subscriber) -> Browser:
    """The signed-in browser of a reader who never subscribed."""
    browser = world.browser()
    browser.sign_in("registered@example.com")
    return browser


ACCOUNT = 5
PAGES: dict[str, tuple[Callable[[World, Subscriber], Browser], str, int]] = {
    "the offer": (a_stranger, "/", 1),
    "the address": (a_stranger, "/subscribe", 1),
    "the review": (at_the_review, "/subscribe/review", 2),
    "the account, with all that can be withdrawn": (a_subscriber, "/account", 12),
    "newsletters": (a_stranger, "/newsletters", 1),
    "a reader's newsletters": (a_subscriber, "/newsletters", 4),
    "the offer, for a subscriber": (a_subscriber, "/", 3),
    "the front page, for a subscriber": (a_subscriber, "/articles", 3),
    "a wall for a reader without a subscription": (a_registered_reader, "/articles/{subscriber}", 6),
    "a wall": (a_stranger, "/articles/{subscriber}", 2),
    "the wall of a used meter": (who_used_the_meter_up, "/articles/{metered}", 3),
    "an article for a subscriber": (a_subscriber, "/articles/{subscriber}", 6),
    "another address": (a_subscriber, "/account/address", 5),
    "all my data": (a_subscriber, "/account/data", 3),
    "sign-in": (a_stranger, "/sign-in", 0),
}
"""Who asks for what, and the most statements that it may take."""
NUMBERS = {"/staff/numbers": 20, "/staff/numbers/recurring": 10, "/staff/numbers/mrr-movement.json": 10}
"""Pages and files of the numbers, and the most statements that one may take."""


@pytest.mark.parametrize("name", PAGES)
def test_a_page_takes_one_transaction_and_few_statements(name: str, world: World, paid: Subscriber) -> None:
    who, path, most = PAGES[name]
    browser = who(world, paid)
    path = path.format(subscriber=world.articles["subscriber"][0], metered=world.articles["metered"][-1])
    with transactions(world.services.database) as found:
        assert browser.get(path).path == path
    assert len(found) <= 1, f"{len(found)} transactions: {found}"
    sent = [statement for transaction in found for statement in transaction]
    assert len(sent) <= most, f"{len(sent)} statements:\n" + "\n".join(sent)


@pytest.mark.parametrize(("path", "most"), NUMBERS.items())
def test_the_numbers_take_one_transaction_however_long_the_period(
    path: str, most: int, world: World, paid: Subscriber, staff: SignIn
) -> None:
    finance = staff("finance")
    for first in ("2027-03-15", "2025-03-15"):
        with transactions(world.services.database) as found:
            assert finance.get(f"{path}?from={first}&to=2027-03-15").status == 200
        sent = [statement for transaction in found for statement in transaction]
        assert len(sent) <= most, f"{len(sent)} statements:\n" + "\n".join(sent)


def test_the_account_takes_as_many_statements_with_more_invoices(
    world: World, paid_twice: Subscriber
) -> None:
    browser = a_subscriber(world, paid_twice)
    for months in (0, 2):
        fast_forward(world, local(2027, 4 + months, 16, 12))
        browser.get("/account")  # once an hour a session's visit is noted
        with transactions(world.services.database) as found:
            assert browser.get("/account").text.count("/account/receipts/") == 2 + months
        (sent,) = found
        assert len(sent) <= ACCOUNT, "\n".join(sent)
