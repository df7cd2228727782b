"""What tests of newsletters may use."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.newsletter_env import Floor
from tests.support.newsroom import Newsroom
from tests.support.world import World


@pytest.fixture
def floor(database_url: str, tmp_path: Path) -> Iterator[Floor]:
    """Database, relay, pages and a held clock."""
    with Floor(database_url, tmp_path) as floor:
        yield floor


@pytest.fixture
def newsroom(floor: Floor) -> Newsroom:
    """A newsroom, with two connections to the relay and its journals in a folder of the test."""
    return Newsroom(floor)


@pytest.fixture
def whole(make_world: Callable[..., World], tmp_path: Path) -> Newsroom:
    """A newsroom in a whole world, with trials and cards."""
    return Newsroom(make_world(journal_dir=tmp_path / "journals", newsletter_connections=2))
