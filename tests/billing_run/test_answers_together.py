"""Answers within a tenth of a second are settled together; a slow one delays no other."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from threading import Event

import pytest

from billing.acquirer.answers import ChargeRequest, Outcome
from billing.acquirer.port import Gateway
from billing.billing_run.context import RunContext, RunReport
from billing.billing_run.drain_attempts import LINGER_SECONDS, charge_all
from billing.payments.charge import claim
from billing.platform import stop_points
from billing.platform.actors import WORKER
from billing.platform.claims import worker_lock
from tests.proofs.many_readers import due
from tests.proofs.steps import intend
from tests.support.one_acquirer import only
from tests.support.stepped_clock import SteppedClock
from tests.support.world import World

STATES = "SELECT state FROM attempt ORDER BY state"


class SlowForOne:
    """The gateway, which delays the second charge until it is `released`."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway, self.name, self.capabilities = gateway, gateway.name, gateway.capabilities
        self.released = Event()
        self._numbers = count()

    def charge(self, request: ChargeRequest) -> Outcome:
        if next(self._numbers) > 0:
            assert self.released.wait(60)
        return self._gateway.charge(request)


@pytest.fixture
def settled() -> Iterator[Event]:
    """Set when a charge is settled."""
    found = Event()
    stop_points.listen(lambda name: found.set() if name == "charge.settled" else None)
    yield found
    stop_points.listen(None)


def test_an_answer_waits_a_moment_for_others_and_no_longer(world: World, settled: Event) -> None:
    clock, gateway = SteppedClock(), SlowForOne(world.services.gateway)
    for subscription_id in due(world, 2):
        intend(world, subscription_id)
    run_context = RunContext(
        world.services.database, only(gateway, clock), world.services.site, pause_after=5
    )
    report = RunReport()
    with (
        worker_lock(run_context.database) as me,
        run_context.health(world.now) as health,
        ThreadPoolExecutor(1) as elsewhere,
    ):
        with run_context.database.begin(run_context.site, world.now, WORKER) as ctx:
            claimed = claim(ctx, me, limit=2)
        run = elsewhere.submit(charge_all, run_context, health, me, claimed, world.now, report)
        clock.until_waited_for()
        clock.step(LINGER_SECONDS * 0.9)
        assert not settled.is_set()
        clock.step(LINGER_SECONDS)
        assert settled.wait(60)
        assert world.rows(STATES) == [{"state": "charged"}, {"state": "open"}]
        gateway.released.set()
        run.result(60)
    assert world.rows(STATES) == [{"state": "charged"}] * 2
