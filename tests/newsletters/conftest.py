"""What tests of newsletters may use."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.newsletters.floor import Floor
from tests.newsletters.room import Room
from tests.world import World


@pytest.fixture
def floor(database_url: str, tmp_path: Path) -> Iterator[Floor]:
    """Database, relay, pages and a held clock."""
    with Floor(database_url, tmp_path) as floor:
        yield floor


@pytest.fixture
def room(floor: Floor) -> Room:
    """A newsroom, with two connections to the relay and its journals in a folder of the test."""
    return Room(floor)


@pytest.fixture
def whole(make_world: Callable[..., World], tmp_path: Path) -> Room:
    """A newsroom in a whole world, with trials and cards."""
    return Room(make_world(journal_dir=tmp_path / "journals", newsletter_connections=2))
