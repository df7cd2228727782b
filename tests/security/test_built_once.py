"""Documents that are the same for everyone are built once for all requests, whatever the query (v5.0.0-15.2.2)."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from warnings import catch_warnings, simplefilter

import httpx
import pytest

with catch_warnings():
    simplefilter("ignore")  # starlette would rather have a client that this repository doesn't install
    from starlette.testclient import TestClient

from billing.dev.demo_app import create_demo_app
from billing.platform.clock import SystemClock
from billing.web.api.shared_documents import KEPT_SECONDS
from tests.support.broken_tables import missing_table
from tests.support.http_client import http_client
from tests.support.locked_table import locked_table
from tests.support.polling import until
from tests.support.statements import statements
from tests.support.stepped_clock import SteppedClock
from tests.support.world import World

LISTS = ("/sitemap.xml", "/sitemap-news.xml", "/feed.xml")
SAME_FOR_ALL = (*LISTS, "/robots.txt", "/openapi.json", "/paywall.js")
CROWD = 45


@pytest.fixture
def clock() -> SteppedClock:
    """By which what was made grows old."""
    return SteppedClock()


@pytest.fixture
def live(world: World, clock: SteppedClock) -> Iterator[httpx.Client]:
    """The application in live mode, with the machine's clock."""
    with TestClient(create_demo_app(replace(world.services, clock=SystemClock(), monotonic=clock))) as client:
        yield client


@pytest.mark.parametrize("path", SAME_FOR_ALL)
def test_another_query_string_makes_it_no_second_time(
    world: World, live: httpx.Client, clock: SteppedClock, path: str
) -> None:
    first = live.get(path)
    assert first.status_code == 200
    with statements(world.services.database) as sent:
        again = [live.get(f"{path}?{number}=x&v={number}") for number in range(30)]
    assert sent == []
    assert {answer.content for answer in again} == {first.content}
    assert {answer.headers["etag"] for answer in again} == {first.headers["etag"]}


@pytest.mark.parametrize("path", LISTS)
def test_it_is_made_again_after_a_minute_and_only_once(
    world: World, live: httpx.Client, clock: SteppedClock, path: str
) -> None:
    with statements(world.services.database) as sent:
        live.get(path)
        once = len(sent)
        assert once > 0
        clock.step(KEPT_SECONDS - 1)
        live.get(path)
        assert len(sent) == once
        clock.step(1)
        for number in range(5):
            live.get(f"{path}?{number}")
        assert len(sent) == 2 * once


def test_a_failure_is_told_and_not_kept(own_world: World) -> None:
    services = replace(own_world.services, clock=SystemClock(), monotonic=SteppedClock())
    with TestClient(create_demo_app(services)) as client:
        with missing_table(own_world, "article"):
            assert client.get("/sitemap.xml").status_code == 500
        assert client.get("/sitemap.xml").status_code == 200
        assert [client.get("/license.xml").status_code for _ in range(2)] == [404, 404]


def test_a_crowd_waits_for_one_that_is_made_and_holds_no_thread(world: World) -> None:
    def get(number: int) -> httpx.Response:
        with http_client(world.url) as client:
            return client.get(f"/sitemap.xml?{number}")

    with ThreadPoolExecutor(CROWD) as crowd:
        with locked_table(world, "article") as locked:
            asked = [crowd.submit(get, number) for number in range(CROWD)]
            until(lambda: locked.waiting > 0, "the first to be made")
            assert world.browser().get("/sign-in").status == 200
            assert locked.waiting == 1
        assert {each.result().status_code for each in asked} == {200}
