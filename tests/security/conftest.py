"""Fixtures: an installation with the demo's pages, and two readers."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.two_readers import TwoReaders, two_readers
from tests.support.world import World


@pytest.fixture
def world_of_demo(make_world: Callable[..., World], tmp_path: Path) -> World:
    """An installation with the demo's mailbox."""
    return make_world(mailbox_dir=tmp_path)


@pytest.fixture
def readers(world_of_demo: World) -> TwoReaders:
    """A paying reader and one in a trial."""
    return two_readers(world_of_demo)
