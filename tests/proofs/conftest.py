"""What proofs have besides a world: worker processes, all of them ended with the test."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.proofs.workers import Worker
from tests.world import World

Hire = Callable[..., Worker]


@pytest.fixture
def hire(tmp_path: Path) -> Iterator[Hire]:
    """Start worker processes on a world: `hire(world)`, `hire(world, stop_at="charge.answered")`."""
    with ExitStack() as ends:
        count = iter(range(1_000_000))

        def start(world: World, **how: object) -> Worker:
            worker = Worker(world, tmp_path / f"worker-{next(count)}.log", **how)  # type: ignore[arg-type] # as Worker takes them
            return ends.enter_context(worker)

        yield start
