"""Cut a database connection while its transaction is open."""

from collections.abc import Iterator
from contextlib import contextmanager

from billing.platform import stop_points
from tests.support.world import World


@contextmanager
def one_connection_cut(world: World, point: str) -> Iterator[None]:
    """End the session that first passes this stop point, as a server restart does."""
    cut = False

    def listen(name: str) -> None:
        nonlocal cut
        if name == point and not cut:
            cut = True
            world.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
                " WHERE datname = current_database() AND state = 'idle in transaction' AND pid <> pg_backend_pid()"
            )

    stop_points.listen(listen)
    try:
        yield
    finally:
        stop_points.listen(None)
    assert cut
