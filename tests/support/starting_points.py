"""Beginnings for stories: where readers of all kinds stand when something happens to them."""

from collections.abc import Callable

from tests.support.snapshots import Town
from tests.support.world import World, local

FIRST = "reader-0@example.com"
ON = local(2027, 1, 17, 10)
"""A start on this day is charged on 1 February for the first time. With a year's or a leap day's worth of traps ahead."""


def blank(world: World) -> None:
    """Nobody has subscribed yet."""


def begun(world: World) -> None:
    """A reader on the first day of the trial."""
    world.advance_to(local(2027, 1, 16, 10))
    world.start_trial(FIRST, "pm_card_visa__0")


def trial(world: World) -> None:
    """The last evening of the trial: both notices have arrived."""
    begun(world)
    world.advance_to(local(2027, 1, 30, 20))


def paid(world: World) -> None:
    """Charged for the first time on 31 January, a day ago."""
    trial(world)
    world.advance_to(local(2027, 2, 1, 12))


def owing(world: World) -> None:
    """The second charge, on 28 February, was refused for lack of money, and a retry comes."""
    paid(world)
    card = world.rows("SELECT gateway_ref FROM payment_method")[0]["gateway_ref"]
    world.sandbox.decline(card, "insufficient_funds")
    world.advance_to(local(2027, 2, 28, 12))


def cancelled(world: World) -> None:
    """Cancelled, and reading to the end of what is paid."""
    paid(world)
    subscription = world.rows("SELECT id FROM subscription")[0]["id"]
    world.advance_to(local(2027, 2, 20, 12))
    world.api.post(f"/v1/subscriptions/{subscription}/cancel", json={}).raise_for_status()


def year(world: World) -> None:
    """A year, paid at once, is about to end: its first notice is next."""
    world.advance_to(local(2027, 1, 16, 10))
    begun = world.start_trial(FIRST, "pm_card_visa__0")
    world.api.post(f"/v1/subscriptions/{begun['subscription']['id']}/cancel", json={}).raise_for_status()
    world.advance_to(local(2027, 1, 31, 10))
    browser = world.browser()
    browser.get("/subscribe?plan=yearly")
    browser.post("/subscribe", email=FIRST)
    browser.post("/subscribe/without-trial")
    assert browser.agree_and_pay("4242424242424242__1").path == "/subscribe/started"
    world.advance_to(local(2027, 11, 2, 12))


STARTING_POINTS: dict[str, Callable[[World], None]] = {
    each.__name__: each for each in (blank, begun, trial, paid, owing, cancelled, year)
}


def write(town: Town) -> None:
    """Live every beginning once, and keep it."""
    town.keep("before")
    for name, live in STARTING_POINTS.items():
        town.recall("before")
        live(town.world)
        town.world.settle()
        town.keep(name)
