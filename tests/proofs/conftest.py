"""What proofs have besides a world: worker processes, all of them ended with the test; and a crowd whose charges are due."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.proofs.many_readers import MANY, due
from tests.support.databases import Databases
from tests.support.worker_processes import Hire, Worker
from tests.support.world import World


@pytest.fixture
def hire(tmp_path: Path) -> Iterator[Hire]:
    """Start worker processes on a world: `hire(world)`."""
    with ExitStack() as ends:
        count = iter(range(1_000_000))

        def start(world: World) -> Worker:
            return ends.enter_context(Worker(world, tmp_path / f"worker-{next(count)}.log"))

        yield start


@pytest.fixture(scope="session")
def many_due(databases: Databases) -> Iterator[World]:
    """A world where the first charges of many fall due; every test begins there."""
    with databases.fresh() as url, World(url) as world:
        due(world, MANY)
        world.keep("due")
        yield world
        world.sandbox.exchanges.clear()


@pytest.fixture
def due_world(rounds: int, request: pytest.FixtureRequest) -> World:
    """A world in which the first charges of so many readers are due now, and nothing is done about them yet."""
    if rounds < MANY:
        world: World = request.getfixturevalue("world")
        due(world, rounds)
        return world
    many: World = request.getfixturevalue("many_due")
    many.go_to("due")
    return many
