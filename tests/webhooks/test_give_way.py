"""The webhook of a charge in flight waits two seconds for the worker's own answer."""

from dataclasses import replace

from billing.payments import charge
from billing.platform.claims import worker_lock
from billing.webhooks.settle import settle_due
from tests.proofs.many_readers import due
from tests.proofs.steps import claim, intend
from tests.support.stepped_clock import SteppedClock
from tests.support.world import World

OUTCOMES = "SELECT outcome FROM inbound_event WHERE event_type = 'payment_intent.succeeded'"


def test_news_of_a_charge_under_way_is_left_for_two_seconds(world: World) -> None:
    clock = SteppedClock()
    context = replace(world.services, monotonic=clock).webhook_context
    (subscription_id,) = due(world, 1)
    intend(world, subscription_id)
    with worker_lock(world.services.database) as me:
        found = claim(world, subscription_id, me)
        charge.send_or_look_up(world.services.gateway, found, world.now)
        world.sandbox.http.post("/_sandbox/settle").raise_for_status()
        for _ in range(3):
            settle_due(context, world.now)
            assert world.rows(OUTCOMES) == [{"outcome": None}]
        clock.step(1.99)
        settle_due(context, world.now)
        assert world.rows(OUTCOMES) == [{"outcome": None}]
        clock.step(0.02)
        settle_due(context, world.now)
        assert world.rows(OUTCOMES) == [{"outcome": "charged"}]


def test_what_the_process_gave_way_to_is_forgotten_after_a_minute(world: World) -> None:
    clock = SteppedClock()
    context = replace(world.services, monotonic=clock).webhook_context
    context.gives_way["evt_of_long_ago"] = clock.seconds()
    for passed, kept in ((60.0, True), (0.1, False)):
        clock.step(passed)
        settle_due(context, world.now)
        assert ("evt_of_long_ago" in context.gives_way) is kept
