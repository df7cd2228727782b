"""All tests of a process share one Chromium without affecting each other."""

import asyncio

import pytest

from tests.support.shared_chromium import Chromium

pytestmark = pytest.mark.browser


def test_asyncio_runs_in_the_same_thread_while_no_context_is_open(chromium: Chromium) -> None:
    for _ in range(2):
        with chromium.context() as context:
            context.new_page().set_content("<h1>Good morning")
        assert asyncio.run(asyncio.sleep(0, "done")) == "done"


def test_contexts_share_no_cookie_and_close_on_their_own(chromium: Chromium) -> None:
    with chromium.context() as first:
        with chromium.context() as second:
            second.add_cookies([{"name": "session", "value": "1", "url": "http://paper.example"}])
            assert first.cookies() == []
        with chromium.context() as third:
            assert third.cookies() == []
        page = first.new_page()
        page.set_content("<h1>Good morning")
        assert page.inner_text("h1") == "Good morning"
