"""Recovering Stripe's events while the database fails or one event can't be stored. The sums stay right. One failure
delays nothing else.
"""

from datetime import timedelta

import pytest

from billing.platform import installation
from billing.platform.claims import only_one
from billing.reconcile.recover import recover, recover_due
from billing.rules.absence import LISTED_WITHIN
from billing.timetable import Queue, tick
from tests.reports.operator import broken
from tests.support import ledger_checks
from tests.support.broken_tables import refused_rows
from tests.support.cut_connection import one_connection_cut
from tests.support.failover import beat, older
from tests.support.locked_row import hurried, locked_row
from tests.support.metrics import alarms, open_cases
from tests.support.restored import first_charges
from tests.support.starting_points import Subscriber
from tests.support.world import World, local


def restore_and_adopt(world: World) -> None:
    world.restore_backup()
    with world.services.database.transaction() as session:
        installation.adopt(session, world.now)


@pytest.fixture
def restored(world: World) -> World:
    """Three readers were charged after the restored backup. It is adopted, and Stripe's events aren't fetched yet."""
    first_charges(world)
    restore_and_adopt(world)
    return world


def is_held(world: World) -> bool:
    with world.services.database.transaction() as session:
        return isinstance(installation.held_by(session), installation.AsksAcquirer)


def test_a_charge_whose_row_is_locked_stays_and_money_waits_for_it(restored: World) -> None:
    world = restored
    [stuck, *_] = world.rows("SELECT id FROM subscription ORDER BY id")
    with hurried(world) as services, locked_row(world, "subscription", stuck["id"]):
        recover_due(services.reconcile_context, world.now)
    assert world.rows("SELECT charge_ref FROM unexplained_charge") == []
    assert is_held(world)
    world.advance(hours=2)
    assert not is_held(world)
    assert world.sandbox.refunds() == []
    assert len(world.rows("SELECT id FROM payment")) == len(world.charges()) == 3
    assert broken(world) == {}
    ledger_checks.check(world)


def test_a_charge_stays_where_the_connection_is_cut(restored: World) -> None:
    world = restored
    with one_connection_cut(world, "reconcile.recover._charge commits"):
        recover_due(world.services.reconcile_context, world.now)
    assert world.rows("SELECT charge_ref FROM unexplained_charge") == []
    assert is_held(world)
    world.advance(hours=2)
    assert world.sandbox.refunds() == []
    assert len(world.rows("SELECT id FROM payment")) == 3


def test_a_charge_that_is_taken_in_before_it_goes_back_stays(restored: World) -> None:
    """The fault is repaired, and the charge's event arrives again."""
    world = restored
    with refused_rows(world, "payment", "false"):
        found = recover(world.services.reconcile_context, world.now)
    assert found is not None
    assert (found.charges, found.unexplained) == (0, 3)
    said = {row["what"] for row in world.rows("SELECT what FROM staff_case WHERE kind = 'unknown_charge'")}
    assert all("could not be written down here" in what for what in said), said
    for event in world.sandbox.events():
        if event["type"] == "payment_intent.succeeded":
            world.sandbox.resend(event["id"])
    world.sandbox.settle()
    tick(world.services, queue=Queue.EVENTS)
    assert len(world.rows("SELECT id FROM payment")) == 3
    world.advance(days=1)
    assert world.sandbox.refunds() == []
    assert world.rows("SELECT charge_ref FROM unexplained_charge") == []
    closed = world.rows("SELECT reason FROM staff_case WHERE kind = 'unknown_charge'")
    assert {row["reason"] for row in closed} == {"The charge has been taken in since, so the money stays."}
    assert broken(world) == {}


def ask_twice(world: World) -> None:
    """Fetch events at once, and again when Stripe's lists are complete."""
    recover_due(world.services.reconcile_context, world.now)
    world.skip_to(world.now + LISTED_WITHIN)
    recover_due(world.services.reconcile_context, world.now)


@pytest.mark.rare
def test_a_refund_that_cannot_be_written_down_is_a_case_and_money_goes_on(
    world: World, paid: Subscriber
) -> None:
    world.back_up()
    path = f"/v1/subscriptions/{paid.subscription_id}/withdraw"
    world.api.post(path, json={"reason": "changed my mind"}).raise_for_status()
    world.settle()
    restore_and_adopt(world)
    with refused_rows(world, "refund", "false"):
        ask_twice(world)
    assert not is_held(world)
    [refund] = world.sandbox.refunds()
    [case] = world.rows("SELECT subject, what FROM staff_case WHERE kind = 'not_taken_in'")
    assert case["subject"] == refund["id"]
    assert 'violates check constraint "broken"' in case["what"]


def test_a_card_that_cannot_be_written_down_is_a_case_and_money_goes_on(
    world: World, paid: Subscriber
) -> None:
    browser = world.browser()
    browser.sign_in(paid.email)
    world.back_up()
    browser.get("/account")
    browser.get(world.sandbox.fill_in(browser.sent_to("/account/card"), "5555555555554444"))
    world.settle()
    restore_and_adopt(world)
    with refused_rows(world, "payment_method", "false"):
        ask_twice(world)
    assert not is_held(world)
    assert [row["kind"] for row in world.rows("SELECT kind FROM staff_case")] == ["not_taken_in"]


def test_a_refund_whose_row_is_locked_is_waited_for(world: World, paid: Subscriber) -> None:
    world.back_up()
    path = f"/v1/subscriptions/{paid.subscription_id}/withdraw"
    world.api.post(path, json={"reason": "changed my mind"}).raise_for_status()
    world.settle()
    restore_and_adopt(world)
    with hurried(world) as services, locked_row(world, "subscription", paid.subscription_id):
        recover_due(services.reconcile_context, world.now)
    assert is_held(world)
    world.advance(hours=1)
    assert not is_held(world)
    assert len(world.rows("SELECT id FROM refund")) == 1
    assert world.rows("SELECT kind FROM staff_case") == []


def test_money_that_is_held_for_more_than_an_hour_is_a_case_until_it_goes_on(restored: World) -> None:
    world = restored
    beat(world)
    world.sandbox.faults({"effect": "500_before", "path": "/v1/refunds*", "times": None})
    tick(world.services, queue=Queue.BILLING)
    world.skip_to(world.now + timedelta(hours=1))
    tick(world.services, queue=Queue.BILLING)
    tick(world.services, queue=Queue.WATCH)
    assert "money_held" not in {*alarms(world), *open_cases(world)}
    world.skip_to(world.now + timedelta(minutes=1))
    tick(world.services, queue=Queue.WATCH)
    assert "money_held" in alarms(world)
    assert open_cases(world)["money_held"] == 1
    [case] = world.rows("SELECT what FROM staff_case WHERE kind = 'money_held'")
    assert case["what"].startswith("Since 16 March 2027, 12:00 nobody is charged")
    world.sandbox.faults()
    world.skip_to(world.now + timedelta(hours=1))
    tick(world.services, queue=Queue.BILLING)
    tick(world.services, queue=Queue.WATCH)
    assert "money_held" not in {*alarms(world), *open_cases(world)}
    assert len(world.rows("SELECT id FROM payment")) == 3


def test_a_failover_while_stripe_is_still_to_be_asked_forgets_nothing_of_before(restored: World) -> None:
    world = restored
    world.sandbox.faults({"effect": "500_before", "path": "/v1/refunds*", "times": None})
    with world.services.database.transaction() as session:
        first = installation.asks_since(session)
        assert first is not None
        assert first < local(2027, 3, 16, 9)
    world.skip_to(world.now + timedelta(hours=3))
    beat(world)
    world.execute("UPDATE installation SET home = :home", home=older(world))
    recover_due(world.services.reconcile_context, world.now)
    with world.services.database.transaction() as session:
        assert installation.asks_since(session) == first
    world.sandbox.faults()
    world.advance(hours=1)
    assert not is_held(world)
    assert len(world.rows("SELECT id FROM payment")) == len(world.charges()) == 3


def test_who_finds_another_process_asking_leaves_the_next_try_where_it_was(restored: World) -> None:
    world = restored
    standing = "SELECT poll_count, next_poll_at FROM installation"
    before = world.rows(standing)
    with only_one(world.services.database, "recover") as here:
        assert here
        assert recover_due(world.services.reconcile_context, world.now) == 0
    assert world.rows(standing) == before
    assert recover_due(world.services.reconcile_context, world.now) == 1
