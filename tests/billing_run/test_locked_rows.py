"""A row locked by another transaction delays no other reader's charge, and its own reader's only for a while."""

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import httpx

from billing.app import create_app
from billing.billing_run.run import run
from billing.container import Services
from billing.platform import stop_points
from billing.webhooks import inbox
from billing.webhooks.settle import settle_due
from tests.proofs.many_readers import due
from tests.support.cut_connection import one_connection_cut
from tests.support.locked_row import hurried, locked_row
from tests.support.starting_points import Subscriber
from tests.support.world import World


def states(world: World) -> dict[str, str]:
    """The state of every subscription's charge."""
    rows = world.rows("SELECT subscription_id, state FROM attempt")
    return {row["subscription_id"]: row["state"] for row in rows}


def reader_of(world: World, subscription_id: str) -> str:
    [row] = world.rows("SELECT reader_id FROM subscription WHERE id = :id", id=subscription_id)
    return str(row["reader_id"])


def test_a_reader_whose_row_is_locked_waits_and_the_others_are_charged(world: World) -> None:
    stuck, *others = due(world, 3)
    with hurried(world) as services, locked_row(world, "reader", reader_of(world, stuck)):
        report = run(services.run_context, world.now)
        assert list(report.stuck) == [stuck]
        assert "lock timeout" in report.stuck[stuck]
        assert states(world) == dict.fromkeys(others, "charged")
    world.advance(hours=1)
    assert states(world) == dict.fromkeys([stuck, *others], "charged")
    assert len(world.charges()) == 3


def test_a_subscription_locked_after_its_charge_was_sent_is_settled_when_it_is_free(world: World) -> None:
    stuck, *others = due(world, 3)
    with hurried(world) as services, ExitStack() as ends, at_stop_point("charge.intended") as reached:
        reached.callback(lambda: ends.enter_context(locked_row(world, "subscription", stuck)))
        run(services.run_context, world.now)
        assert states(world) == dict.fromkeys(others, "charged") | {stuck: "open"}
    world.advance(hours=1)
    assert states(world) == dict.fromkeys([stuck, *others], "charged")
    assert len(world.charges()) == 3, "what was charged is found, and nobody is charged twice"


def test_what_can_not_even_be_put_off_ends_no_run(world: World) -> None:
    stuck, *others = due(world, 3)
    with hurried(world) as services, ExitStack() as ends, at_stop_point("charge.intended") as reached:
        attempt = "SELECT id FROM attempt WHERE subscription_id = :id"

        def lock_it() -> None:
            [row] = world.rows(attempt, id=stuck)
            ends.enter_context(locked_row(world, "attempt", row["id"]))

        reached.callback(lock_it)
        run(services.run_context, world.now)
        assert states(world) == dict.fromkeys(others, "charged") | {stuck: "open"}
    world.advance(hours=1)
    assert states(world) == dict.fromkeys([stuck, *others], "charged")
    assert len(world.charges()) == 3


@contextmanager
def at_stop_point(name: str) -> Iterator[ExitStack]:
    """The action pushed on the stack's `callback` runs once, at this stop point."""
    todo = ExitStack()

    def listen(passed: str) -> None:
        if passed == name:
            todo.close()

    stop_points.listen(listen)
    try:
        yield todo
    finally:
        stop_points.listen(None)


def test_an_event_about_a_locked_row_waits_and_never_counts_as_one_that_breaks_us(
    world: World, paid: Subscriber
) -> None:
    [payment] = world.rows("SELECT id FROM payment")
    world.api.post(f"/v1/payments/{payment['id']}/refunds", json={"reason": "asked"}).raise_for_status()
    world.settle()
    [event] = world.rows("SELECT event_ref AS id FROM inbound_event WHERE event_type = 'refund.created'")
    [refund] = world.rows("SELECT id FROM refund")
    with world.services.database.transaction() as session:
        inbox.replay(inbox.by_id(session, event["id"]), world.now)
    with hurried(world) as services, locked_row(world, "refund", refund["id"]):
        assert settle_due(services.webhook_context, world.now) == 1
    waits = "SELECT tries, failures, last_error FROM inbound_event WHERE event_ref = :id"
    [row] = world.rows(waits, id=event["id"])
    assert (row["tries"], row["failures"]) == (1, 0)
    assert "lock timeout" in row["last_error"]
    world.advance(hours=1)
    [row] = world.rows("SELECT outcome FROM inbound_event WHERE event_ref = :id", id=event["id"])
    assert row["outcome"] == "succeeded"


def test_an_event_whose_connection_is_cut_waits_and_counts_as_little(world: World, paid: Subscriber) -> None:
    [payment] = world.rows("SELECT id FROM payment")
    world.api.post(f"/v1/payments/{payment['id']}/refunds", json={"reason": "asked"}).raise_for_status()
    world.settle()
    [event] = world.rows("SELECT event_ref AS id FROM inbound_event WHERE event_type = 'refund.created'")
    with world.services.database.transaction() as session:
        inbox.replay(inbox.by_id(session, event["id"]), world.now)
    with one_connection_cut(world, "webhooks.apply_signal._refund commits"):
        assert settle_due(world.services.webhook_context, world.now) == 1
    [row] = world.rows("SELECT tries, failures FROM inbound_event WHERE event_ref = :id", id=event["id"])
    assert (row["tries"], row["failures"]) == (1, 0)


def test_a_reader_who_cancels_while_the_row_is_locked_is_asked_to_try_again(
    world: World, in_trial: Subscriber
) -> None:
    path, key = (
        f"/v1/subscriptions/{in_trial.subscription_id}/cancel",
        {"authorization": f"Bearer {world.api_key}"},
    )

    async def cancel(services: Services) -> int:
        transport = httpx.ASGITransport(create_app(services))
        async with httpx.AsyncClient(transport=transport, base_url=world.url) as client:
            return (await client.post(path, json={}, headers=key)).status_code

    with hurried(world) as services:
        with locked_row(world, "subscription", in_trial.subscription_id):
            assert asyncio.run(cancel(services)) == 503
        assert world.subscription(in_trial.subscription_id)["cancel_requested_at"] is None
        assert asyncio.run(cancel(services)) == 200
    assert world.subscription(in_trial.subscription_id)["cancel_requested_at"] is not None
