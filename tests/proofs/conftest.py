"""Fixtures of the proofs: worker processes, ended with the test; and worlds in which many charges are due."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.proofs.many_readers import MANY, due
from tests.support.databases import Databases
from tests.support.worker_processes import StartWorker, Worker
from tests.support.world import World


@pytest.fixture
def start_worker(tmp_path: Path) -> Iterator[StartWorker]:
    """`start_worker(world)` starts a worker process on a world."""
    with ExitStack() as ends:
        count = iter(range(1_000_000))

        def start(world: World) -> Worker:
            return ends.enter_context(Worker(world, tmp_path / f"worker-{next(count)}.log"))

        yield start


@pytest.fixture(scope="session")
def many_due(databases: Databases) -> Iterator[World]:
    """A world in which the first charges of MANY readers are due; each test restores that moment."""
    with databases.fresh() as url, World(url) as world:
        due(world, MANY)
        world.keep("due")
        yield world
        world.sandbox.exchanges.clear()


@pytest.fixture
def due_world(rounds: int, request: pytest.FixtureRequest) -> World:
    """A world in which the first charges of `rounds` readers are due and not made yet."""
    if rounds < MANY:
        world: World = request.getfixturevalue("world")
        due(world, rounds)
        return world
    many: World = request.getfixturevalue("many_due")
    many.go_to("due")
    return many
