"""The three steps of a charge one by one, so that a test can act between them; and concurrent calls."""

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
    """Step one: do the subscription's due work up to the committed intent; no charge is sent."""
    with world.services.database.begin(world.services.site, world.now, WORKER) as ctx:
        subscription = lock(ctx.session, subscription_id)
        assert subscription.next_action_at is not None
        assert subscription.next_action_at <= world.now
        process_due(ctx, subscription)
        ctx.session.add(subscription)


def claim(world: World, subscription_id: str, me: int) -> ClaimedAttempt:
    """Claim the subscription's open attempt for the worker `me`."""
    with world.services.database.begin(world.services.site, world.now, WORKER) as ctx:
        (found,) = charge.claim(ctx, me, limit=1, subscription_id=subscription_id)
    return found


def send(world: World, subscription_id: str) -> tuple[str, Outcome | NotSent]:
    """Step two: send the open attempt. Return its id and the answer, which isn't stored."""
    with worker_lock(world.services.database) as me:
        found = claim(world, subscription_id, me)
        return found.attempt_id, charge.send_or_look_up(world.services.gateway, found, world.now)


def settle_attempt(world: World, attempt_id: str, outcome: Outcome | NotSent) -> str:
    """Step three: settle an attempt from its answer, as the worker does."""
    with world.services.database.begin(world.services.site, world.now, WORKER) as ctx:
        return settle(ctx, attempt_id, outcome)


def together(*calls: Callable[[], Any]) -> list[Any]:
    """Make these calls concurrently, each in a thread. Return their results in order; an exception is a result."""
    gate = Barrier(len(calls))

    def run(call: Callable[[], Any]) -> Any:
        gate.wait(30)
        try:
            return call()
        except Exception as problem:
            return problem

    with ThreadPoolExecutor(len(calls)) as threads:
        return list(threads.map(run, calls))
