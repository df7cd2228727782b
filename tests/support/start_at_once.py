"""Start a subscription without a trial, by the pages."""

from tests.support.browser import Browser
from tests.support.signed_in import signed_in
from tests.support.world import World


def start_at_once(
    world: World, email: str, number: str = "4242424242424242", plan: str = "monthly"
) -> Browser:
    """Pay at once with a new card, for a reader who has had a trial; return the browser."""
    browser = signed_in(world, email)
    browser.get(f"/subscribe?plan={plan}")
    browser.post("/subscribe/without-trial")
    assert browser.agree_and_pay(number).path == "/subscribe/started"
    world.settle()
    return browser
