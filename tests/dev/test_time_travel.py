"""Moving a held clock when something prevents it."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from billing.dev.time_travel import STUCK_AFTER_SECONDS, Stuck, advance
from billing.platform.claims import worker_lock
from tests.proofs.many_readers import due_once
from tests.proofs.steps import claim, intend
from tests.support.stepped_clock import SteppedClock
from tests.support.world import World


def test_a_charge_that_another_worker_never_ends_is_waited_for_and_then_told(world: World) -> None:
    clock = SteppedClock()
    services = replace(world.services, monotonic=clock)
    (subscription_id,) = due_once(world, 1)
    intend(world, subscription_id)
    with worker_lock(world.services.database) as other, ThreadPoolExecutor(1) as elsewhere:
        claim(world, subscription_id, other)
        moving = elsewhere.submit(advance, services, world.now)
        clock.until_waited_for()
        clock.step(STUCK_AFTER_SECONDS - 1)
        clock.until_waited_for()
        assert not moving.done()
        clock.step(2)
        with pytest.raises(Stuck):
            moving.result(60)
    world.settle()
    assert len(world.charges()) == 1, "the other worker is gone, so its charge is made"
