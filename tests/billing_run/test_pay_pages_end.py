"""A payment page ends with the grace. One that couldn't be opened is followed by another with its own end."""

from datetime import timedelta

import pytest

from tests.support import ledger_checks
from tests.support.browser import Browser
from tests.support.declined_charge import Declined
from tests.support.starting_points import fast_forward
from tests.support.world import World, local

GRACE_ENDS = local(2027, 4, 6)
HALF_AN_HOUR_BEFORE = GRACE_ENDS - timedelta(minutes=30)
CANT_OPEN = {"effect": "500_before", "method": "POST", "path": "/v1/checkout/sessions", "times": None}
CANT_CLOSE = {"effect": "500_before", "method": "POST", "path": "/v1/checkout/sessions/*", "times": None}


def follow(world: World, reader: Declined) -> Browser:
    """Open the link in the newest mail about the payment."""
    browser = world.browser()
    assert browser.get(world.mailed_link(reader.email, "/pay/")).path == "/pay"
    return browser


def status(world: World, reader: Declined) -> object:
    """The subscription's."""
    return world.subscription(reader.subscription_id)["status"]


@pytest.mark.prove
def test_a_page_opened_again_and_again_does_not_hold_off_the_end_of_the_grace(
    world: World, declined: Declined
) -> None:
    world.advance_to(GRACE_ENDS - timedelta(hours=2))
    browser = follow(world, declined)
    page = browser.sent_to("/pay/page")
    world.advance(minutes=52)
    assert browser.again("/pay").sent_to("/pay/page") != page
    world.advance(minutes=52)
    page = browser.again("/pay").sent_to("/pay/page")
    assert browser.again("/pay").sent_to("/pay/page") == page, "as long as a new one would be"
    world.advance_to(GRACE_ENDS - timedelta(seconds=1))
    assert status(world, declined) == "past_due"
    world.advance_to(GRACE_ENDS)
    assert status(world, declined) == "ended"
    assert world.sandbox.http.get(page).status_code == 410
    assert "not asked for any more" in browser.get("/pay").words
    assert world.charges() == []


def test_what_is_paid_in_the_last_minute_counts(world: World, declined: Declined) -> None:
    fast_forward(world, HALF_AN_HOUR_BEFORE)
    world.advance_to(GRACE_ENDS - timedelta(minutes=1))
    world.sandbox.fill_in(follow(world, declined).sent_to("/pay/page"))
    world.advance_to(GRACE_ENDS)
    assert status(world, declined) == "active"
    assert "this is paid" in world.browser().get(world.mailed_link(declined.email, "/pay/")).words
    ledger_checks.check(world)


@pytest.mark.parametrize("way", ["/pay", "/pay/page"])
def test_nothing_is_paid_once_the_grace_is_over_though_no_worker_has_come(
    world: World, declined: Declined, way: str
) -> None:
    fast_forward(world, HALF_AN_HOUR_BEFORE)
    world.advance_to(GRACE_ENDS - timedelta(seconds=1))
    world.sandbox.replace(card_of(world), number="4242424242424242")
    browser = follow(world, declined)
    world.skip_to(GRACE_ENDS)
    assert "not asked for any more" in browser.post(way).words
    world.settle()
    assert status(world, declined) == "ended"
    assert world.charges() == []


def card_of(world: World) -> str:
    """The sandbox's name for the saved card."""
    (row,) = world.rows("SELECT gateway_ref FROM payment_method")
    return str(row["gateway_ref"])


def test_a_page_that_cannot_be_closed_is_not_followed_by_another(world: World, declined: Declined) -> None:
    fast_forward(world, HALF_AN_HOUR_BEFORE)
    browser = follow(world, declined)
    browser.sent_to("/pay/page")
    browser.get("/pay")
    world.sandbox.faults(CANT_CLOSE)
    world.advance_to(GRACE_ENDS + timedelta(minutes=3))
    assert "not asked for any more" in browser.post("/pay/page").words
    world.sandbox.faults()
    world.advance(hours=2)
    assert status(world, declined) == "ended"


@pytest.mark.parametrize("minutes", [1, 26, 31, 45, 55])
def test_a_page_whose_first_try_failed_is_opened_whenever_it_is_asked_for_again(
    world: World, declined: Declined, minutes: int
) -> None:
    browser = follow(world, declined)
    world.sandbox.faults(CANT_OPEN)
    assert browser.post("/pay/page").status == 503
    world.sandbox.faults()
    world.advance(minutes=minutes)
    page = browser.again("/pay").sent_to("/pay/page")
    world.advance(minutes=30)
    browser.get(world.sandbox.fill_in(page))
    world.settle()
    assert status(world, declined) == "active"
    assert len(world.charges()) == 1
    ledger_checks.check(world)
