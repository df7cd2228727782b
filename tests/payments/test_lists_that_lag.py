"""Stripe's lists may lack the newest objects. No reader is charged or refunded twice because of that."""

from datetime import datetime, timedelta

import pytest

from tests.support import ledger_checks
from tests.support.fork_server import Crash
from tests.support.starting_points import Subscriber, fast_forward
from tests.support.world import World, local

CHARGE_AT = local(2027, 3, 16, 9)
KEY_ENDS_AFTER = timedelta(hours=20)
"""After which no attempt is sent any more."""


def away(world: World, path: str) -> None:
    """Stripe can't be reached for this request, only for look-ups."""
    world.sandbox.faults({"effect": "reset_before", "method": "POST", "path": path, "times": None})


def jump_to(world: World, at: datetime) -> None:
    """Let time pass without a worker."""
    world.skip_to(at)


@pytest.fixture
def due(world: World, notified: Subscriber, crash: Crash) -> Subscriber:
    """A reader whose first charge is due now. No event of Stripe's will report its result. `crash` is set up before."""
    fast_forward(world, CHARGE_AT - timedelta(seconds=1))
    world.skip_to(CHARGE_AT)
    world.sandbox.trouble({"effect": "drop"})
    return notified


def sent_at_the_last_moment(world: World, crash: Crash) -> None:
    """Stripe was unreachable for most of a day. A worker sends the charge just before its key is too old, and is killed."""
    away(world, "/v1/payment_intents")
    world.settle()
    jump_to(world, CHARGE_AT + KEY_ENDS_AFTER - timedelta(minutes=1))
    world.sandbox.faults()
    crash("charge.answered")
    assert len(world.charges()) == 1
    world.sandbox.lag(240)
    jump_to(world, CHARGE_AT + KEY_ENDS_AFTER + timedelta(minutes=1))


@pytest.mark.rare
def test_a_charge_that_is_not_listed_yet_is_not_made_again(
    world: World, due: Subscriber, crash: Crash
) -> None:
    sent_at_the_last_moment(world, crash)
    world.settle()
    assert world.rows("SELECT state FROM attempt") == [{"state": "open"}]
    world.advance(minutes=4, seconds=59)
    assert world.rows("SELECT state FROM attempt") == [{"state": "open"}]
    world.advance(days=2)
    assert len(world.charges()) == 1
    assert world.rows("SELECT state FROM attempt") == [{"state": "charged"}]
    assert world.subscription(due.subscription_id)["status"] == "active"
    ledger_checks.check(world)


def test_what_was_missing_before_a_worker_died_does_not_count(
    world: World, due: Subscriber, crash: Crash
) -> None:
    """It was looked up, then sent, and the answer was lost with the worker."""
    sent_at_the_last_moment(world, crash)
    world.execute(
        "UPDATE attempt SET unlisted_since = CAST(:at AS timestamptz)",
        at=(world.now - timedelta(hours=1)).isoformat(),
    )
    world.settle()
    assert world.rows("SELECT state FROM attempt") == [{"state": "open"}]
    world.advance(days=2)
    assert len(world.charges()) == 1
    assert world.subscription(due.subscription_id)["status"] == "active"


def test_a_reader_who_cancels_meanwhile_gets_back_what_is_not_listed_yet(
    world: World, due: Subscriber, crash: Crash
) -> None:
    crash("charge.answered")
    world.sandbox.lag(240)
    world.api.post(f"/v1/subscriptions/{due.subscription_id}/cancel", json={}).raise_for_status()
    world.advance(minutes=1)
    assert world.rows("SELECT state FROM attempt") == [{"state": "open"}]
    world.advance(minutes=10)
    assert [refund["amount"] for refund in world.sandbox.refunds()] == [7500]
    assert len(world.charges()) == 1
    world.sandbox.trouble()
    ledger_checks.check(world)


def test_a_charge_whose_key_is_good_is_sent_under_it_at_once(
    world: World, due: Subscriber, crash: Crash
) -> None:
    """The key prevents a second charge, whatever the lists contain."""
    crash("charge.answered")
    world.sandbox.lag(3600)
    world.settle()
    assert len(world.charges()) == 1
    assert world.subscription(due.subscription_id)["status"] == "active"


@pytest.mark.parametrize("effect", ["500_before", "500_after"])
def test_a_charge_on_which_stripe_failed_is_made_again_only_when_it_is_missing_for_long(
    world: World, due: Subscriber, effect: str
) -> None:
    world.sandbox.lag(290)
    world.sandbox.faults({"effect": effect, "method": "POST", "path": "/v1/payment_intents"})
    world.settle()
    world.advance(minutes=30)
    assert len(world.charges()) == 1
    assert world.subscription(due.subscription_id)["status"] == "active"


@pytest.fixture
def giving(world: World, paid: Subscriber, crash: Crash) -> Subscriber:
    """A reader with one payment, of which a third is to be refunded. `crash` is set up before."""
    world.sandbox.trouble({"effect": "drop"})
    payment = world.rows("SELECT id FROM payment")[0]["id"]
    answer = world.api.post(f"/v1/payments/{payment}/refunds", json={"amount": 2500, "reason": "A kindness."})
    assert answer.status_code == 201, answer.text
    return paid


def went_back(world: World) -> list[tuple[int, str]]:
    return [(row["amount"], row["status"]) for row in world.sandbox.refunds()]


@pytest.mark.usefixtures("giving")
def test_a_refund_that_is_not_listed_yet_is_not_made_again(world: World, crash: Crash) -> None:
    """Two refunds of parts look alike to Stripe. Another key would make a second one."""
    away(world, "/v1/refunds")
    world.settle()
    begun = world.now
    jump_to(world, begun + KEY_ENDS_AFTER - timedelta(minutes=1))
    world.sandbox.faults()
    crash("refund.answered")
    assert went_back(world) == [(2500, "succeeded")]
    world.sandbox.lag(240)
    jump_to(world, begun + KEY_ENDS_AFTER + timedelta(minutes=1))
    world.settle()
    assert world.rows("SELECT state FROM refund") == [{"state": "intended"}]
    world.advance(hours=2)
    assert went_back(world) == [(2500, "succeeded")]
    assert world.rows("SELECT state FROM refund") == [{"state": "succeeded"}]
    ledger_checks.check(world)


@pytest.mark.usefixtures("giving")
@pytest.mark.rare
def test_a_refund_that_is_missing_for_long_goes_under_another_key(world: World) -> None:
    away(world, "/v1/refunds")
    world.settle()
    world.sandbox.lag(240)
    jump_to(world, world.now + timedelta(hours=25))
    world.sandbox.faults()
    world.settle()
    assert went_back(world) == []
    world.advance(minutes=4, seconds=59)
    assert went_back(world) == []
    world.advance(seconds=1)
    assert went_back(world) == [(2500, "succeeded")]
    ledger_checks.check(world)
