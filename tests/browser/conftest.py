"""One running demo for a file of tests, and people who use it.

A file stays in one worker (`tests/support/scheduling.py`): spread over all it would start a demo in every one."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from tests.browser.demo import Demo
from tests.browser.person import PHONE, Person
from tests.support.shared_chromium import Chromium

Arrive = Callable[..., Person]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """`billing demo`, as a newcomer starts it."""
    with Demo(tmp_path_factory.mktemp("demo") / "data") as running:
        yield running


@pytest.fixture
def arrive(chromium: Chromium, demo: Demo) -> Iterator[Arrive]:
    """Somebody new with a browser; when the test ends their console must have stayed empty."""
    with ExitStack() as ends:

        def somebody(size: dict[str, Any] = PHONE, **more: Any) -> Person:
            person = Person.arrive(chromium, demo, size, **more)
            ends.callback(person.leave)
            return person

        yield somebody
