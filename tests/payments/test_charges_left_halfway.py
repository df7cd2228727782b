"""Stripe stores a charge, fails and asks no bank: it stays `requires_confirmation`, which is no charge and no lasting doubt."""

from datetime import timedelta

import pytest

from tests.support import ledger_checks
from tests.support.cli import run_on
from tests.support.starting_points import Subscriber, fast_forward
from tests.support.world import World, local

CHARGE_AT = local(2027, 3, 16, 9)


@pytest.fixture
def due(world: World, notified: Subscriber) -> Subscriber:
    fast_forward(world, CHARGE_AT - timedelta(seconds=1))
    world.skip_to(CHARGE_AT)
    return notified


def left_halfway(world: World) -> None:
    world.sandbox.faults({"effect": "500_halfway", "method": "POST", "path": "/v1/payment_intents"})
    world.settle()
    statuses = [row["status"] for row in world.sandbox.objects("payment_intent")]
    assert statuses == ["requires_confirmation"]


def test_another_attempt_is_made_once_stripe_has_said_so_for_five_minutes(
    world: World, due: Subscriber
) -> None:
    left_halfway(world)
    world.advance(minutes=5, seconds=59)
    assert world.charges() == []
    world.advance(seconds=1)
    assert len(world.charges()) == 1
    assert world.subscription(due.subscription_id)["status"] == "active"
    states = [row["state"] for row in world.rows("SELECT state FROM attempt ORDER BY ordinal")]
    assert states == ["not_sent", "charged"]
    ledger_checks.check(world)


def test_a_database_that_was_restored_is_not_held_by_it(world: World, due: Subscriber) -> None:
    world.back_up()
    left_halfway(world)
    world.restore_backup()
    done = run_on(world, "adopt", "--yes")
    assert done.exit_code == 0, done.output
    world.advance(hours=2)
    assert len(world.charges()) == 1
    assert world.subscription(due.subscription_id)["status"] == "active"
