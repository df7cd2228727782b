"""A standby takes over, or a backup is restored, seconds after a payment. Stripe's lists lack that payment, so they
are read once more before anybody is charged.
"""

import pytest

from billing.billing_run.run import run
from billing.platform import installation
from billing.platform.installation import AsksAcquirer
from billing.rules.absence import LISTED_WITHIN
from billing.timetable import tick
from tests.support import ledger_checks
from tests.support.cli import run_on
from tests.support.leaps import leap_to
from tests.support.starting_points import Subscriber
from tests.support.world import World, local


def adopt(world: World) -> str:
    """The operator's output while the lists lack the last minute."""
    world.sandbox.lag(60)
    done = run_on(world, "adopt", "--yes")
    assert done.exit_code == 0, done.output
    return done.output


def held(world: World) -> bool:
    """Whether charges and refunds are on hold."""
    with world.services.database.transaction() as session:
        return isinstance(installation.held_by(session), AsksAcquirer)


def test_a_charge_of_seconds_ago_is_taken_in_and_not_made_again(world: World, notified: Subscriber) -> None:
    world.skip_to(local(2027, 3, 16, 9))
    world.back_up()
    run(world.services.run_context, world.now)
    assert len(world.charges()) == 1
    world.sandbox.settle()
    world.restore_backup()
    said = adopt(world)
    assert "nothing that was not known" in said
    assert "Money is held until Tuesday 16 March 2027, 09:05" in said
    with pytest.raises(AsksAcquirer):
        run(world.services.run_context, world.now)
    world.advance(days=1)
    assert len(world.charges()) == 1
    assert world.subscription(notified.subscription_id)["status"] == "active"
    ledger_checks.check(world)


def test_who_withdrew_seconds_ago_is_not_charged_for_another_month(world: World, paid: Subscriber) -> None:
    """The withdrawal is lost, and only its refund shows it."""
    world.back_up()
    path = f"/v1/subscriptions/{paid.subscription_id}/withdraw"
    world.api.post(path, json={"reason": "changed my mind"}).raise_for_status()
    world.settle()
    world.restore_backup()
    assert "nothing that was not known" in adopt(world)
    world.advance(minutes=5)
    assert not held(world)
    assert world.subscription(paid.subscription_id)["status"] == "ended"
    world.advance_to(local(2027, 4, 17))
    assert len(world.charges()) == 1
    assert len(world.sandbox.refunds()) == 1


def test_a_card_given_seconds_ago_is_charged_from_then_on(world: World, paid: Subscriber) -> None:
    browser = world.browser()
    browser.sign_in(paid.email)
    world.back_up()
    browser.get("/account")
    page = browser.sent_to("/account/card")
    browser.get(world.sandbox.fill_in(page, "5555555555554444"))
    world.settle()
    world.restore_backup()
    adopt(world)
    world.advance(minutes=10)
    leap_to(world, local(2027, 4, 16, 12), days=1)
    assert world.charges()[-1]["payment_method_details"]["card"]["last4"] == "4444"


def test_it_is_asked_again_only_where_the_database_was_adopted_a_moment_ago(
    world: World, paid: Subscriber
) -> None:
    """A look-up that couldn't finish for a while has waited long enough."""
    world.back_up()
    world.restore_backup()
    world.sandbox.faults({"effect": "500_before", "path": "/v1/refunds*", "times": None})
    assert run_on(world, "adopt", "--yes").exit_code == 1
    world.sandbox.faults()
    world.skip_to(world.now + LISTED_WITHIN)
    tick(world.services)
    assert not held(world)
    assert world.rows("SELECT asks_since, next_poll_at, listed_at FROM installation") == [
        {"asks_since": None, "next_poll_at": None, "listed_at": None}
    ]
