"""The three steps of a charge, one at a time, so that a test can do something between them; and calls made at once."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

from billing.acquirer.answers import Outcome
from billing.billing_run.due_actions import process_due
from billing.billing_run.settle import settle
from billing.payments import charge
from billing.payments.charge import ClaimedAttempt, NotSent
from billing.platform.actors import WORKER
from billing.platform.claims import worker_lock
from billing.subscriptions.change import lock
from tests.support.world import World


def intend(world: World, subscription_id: str) -> None:
    """What is due for the subscription is done, and no charge is sent yet."""
    with world.services.database.begin(world.services.site, world.now, WORKER) as ctx:
        subscription = lock(ctx.session, subscription_id)
        assert subscription.next_action_at is not None
        assert subscription.next_action_at <= world.now
        process_due(ctx, subscription)
        ctx.session.add(subscription)


def claim(world: World, subscription_id: str, me: int) -> ClaimedAttempt:
    """Take the open attempt into our hands."""
    with world.services.database.begin(world.services.site, world.now, WORKER) as ctx:
        (found,) = charge.claim(ctx, me, limit=1, subscription_id=subscription_id)
    return found


def send(world: World, subscription_id: str) -> tuple[str, Outcome | NotSent]:
    """Send the open attempt; its id, and the answer, of which nothing is written down."""
    with worker_lock(world.services.database) as me:
        found = claim(world, subscription_id, me)
        return found.attempt_id, charge.send_or_look_up(world.services.gateway, found, world.now)


def note(world: World, attempt_id: str, outcome: Outcome | NotSent) -> str:
    """Settle an attempt from its answer, as the worker does."""
    with world.services.database.begin(world.services.site, world.now, WORKER) as ctx:
        return settle(ctx, attempt_id, outcome)


def together(*calls: Callable[[], Any]) -> list[Any]:
    """Make these calls at once, each in a thread; their results in order. What one of them raises is its result."""
    gate = Barrier(len(calls))

    def run(call: Callable[[], Any]) -> Any:
        gate.wait(30)
        try:
            return call()
        except Exception as problem:
            return problem

    with ThreadPoolExecutor(len(calls)) as threads:
        return list(threads.map(run, calls))
