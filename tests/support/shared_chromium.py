"""One Chromium for all browser tests of a process. Each test opens its own contexts."""

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from playwright.sync_api import BrowserContext, expect, sync_playwright

from tests.support.chromium import CHROMIUM, FLAGS

PATIENCE_MS = 60_000
"""How long a page may take on a busy machine before a test fails."""


class Chromium:
    """`with Chromium() as chromium` starts Playwright and a browser. The thread may use asyncio while no context is open."""

    def __init__(self) -> None:
        self._open = 0
        expect.set_options(timeout=PATIENCE_MS)
        self._playwright = sync_playwright().start()
        self._loop = asyncio.get_running_loop()
        with self._in_use(), ExitStack() as on_failure:
            on_failure.callback(self._playwright.stop)
            self._browser = self._playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
            on_failure.pop_all()

    def __enter__(self) -> "Chromium":
        return self

    def __exit__(self, *_: object) -> None:
        with self._in_use():
            self._browser.close()
            self._playwright.stop()

    @contextmanager
    def context(self, **options: Any) -> Iterator[BrowserContext]:
        """A fresh profile with its own cookies and cache, closed at the end. `options` are Playwright's."""
        with self._in_use(), self._browser.new_context(**options) as context:
            context.set_default_timeout(PATIENCE_MS)
            yield context

    @contextmanager
    def _in_use(self) -> Iterator[None]:
        # Playwright leaves its event loop marked as running between calls; asyncio.run() would raise.
        asyncio._set_running_loop(self._loop)
        self._open += 1
        try:
            yield
        finally:
            self._open -= 1
            if not self._open:
                asyncio._set_running_loop(None)
