"""A billing run that hangs."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event

from billing.platform import stop_points
from billing.timetable import Queue, tick
from tests.support.stepped_clock import PATIENCE_SECONDS
from tests.support.world import World


@contextmanager
def hung_run(world: World, at: str = "charge.intended") -> Iterator[None]:
    """Stop a billing run at a stop point, by default just before it sends its charges, for the length of the block. Then it goes on."""
    hangs, goes_on = Event(), Event()

    def listen(name: str) -> None:
        if name == at and not hangs.is_set():
            hangs.set()
            assert goes_on.wait(PATIENCE_SECONDS)

    stop_points.listen(listen)
    with ThreadPoolExecutor(1) as queue:
        run = queue.submit(tick, world.services, queue=Queue.BILLING)
        try:
            assert hangs.wait(PATIENCE_SECONDS)
            yield
        finally:
            stop_points.listen(None)
            goes_on.set()
    assert run.result() > 0
