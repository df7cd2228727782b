"""One running demo and one Chromium a file of tests, and people who use them.

A file stays in one worker (`tests/support/scheduling.py`): spread over all it would start a demo and a Chromium in every one."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from tests.browser.demo import Demo
from tests.browser.person import PATIENCE_MS, PHONE, Person
from tests.support.chromium import CHROMIUM

QUIET = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --disable-dev-shm-usage"
)

Arrive = Callable[..., Person]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """One for a file, as elsewhere in the tests: Playwright runs once at a time. Every person has a context of their own."""
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET.split())
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """`billing demo`, as a newcomer starts it."""
    with Demo(tmp_path_factory.mktemp("demo") / "data") as running:
        yield running


@pytest.fixture
def arrive(chromium: Browser, demo: Demo) -> Iterator[Arrive]:
    """Somebody new with a browser; when the test ends their console must have stayed empty."""
    with ExitStack() as ends:

        def somebody(size: dict[str, Any] = PHONE, **more: Any) -> Person:
            person = Person.arrive(chromium, demo, size, **more)
            ends.callback(person.leave)
            return person

        yield somebody
