"""Readers crowd the pages: those whom the queue has no room for are told so at once, and nobody else notices (v5.0.0-15.2.2)."""

import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from urllib.parse import urlsplit

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy.pool import QueuePool
from starlette.requests import Request
from starlette.responses import PlainTextResponse

from billing.web.kit.lanes import API, FILES, LANES, PAGES, STAFF, THREADS, WEBHOOKS, Lane
from tests.support.http_client import http_client
from tests.support.locked_table import LockedTable, locked_table
from tests.support.metrics import metrics
from tests.support.polling import until
from tests.support.routes import fastapi_of
from tests.support.signed_in import in_trial_by_pages
from tests.support.webhook_messages import event, post
from tests.support.world import World

CROWDED = "/newsletters"
TABLE = "newsletter"
"""Read by the page of newsletters, and by nothing else that is asked here."""
NETWORKS = ("196.25.1.9", "41.0.0.1")
SHARE = (PAGES.at_once + PAGES.waiting) // 2
"""One network's."""


@pytest.fixture
def behind_proxy(make_world: Callable[..., World]) -> World:
    """Masthead behind a proxy that forwards each request's address."""
    return make_world(proxy_count=1)


def figure(world: World, name: str, lane: Lane = PAGES) -> float:
    """A metric of a lane."""
    families = text_string_to_metric_families(metrics(world))
    samples = [sample for family in families for sample in family.samples if sample.name == name]
    return next(sample.value for sample in samples if sample.labels["lane"] == lane.name)


def request(world: World, network: str, path: str, *, more: str = "") -> socket.socket:
    """Send the head of a request and leave its answer unread: a thousand such readers need no thread here."""
    host = urlsplit(world.url)
    made = socket.create_connection((host.hostname, host.port), 90)
    lines = f"GET {path} HTTP/1.1\r\nHost: {host.netloc}\r\nX-Forwarded-For: {network}\r\n{more}Connection: close\r\n\r\n"
    made.sendall(lines.encode())
    return made


def status(asked: socket.socket) -> int:
    """The status of the answer, read to its end."""
    read = b"".join(iter(lambda: asked.recv(65536), b""))
    return int(read.split(b" ", 2)[1])


@contextmanager
def crowd(world: World, *networks: str) -> Iterator[LockedTable]:
    """So many readers of these networks as have room, until the table is free. Then each gets the page."""
    with ExitStack() as open_sockets:
        with locked_table(world, TABLE) as locked:
            asked = [
                open_sockets.enter_context(request(world, network, CROWDED))
                for network in networks
                for _ in range(SHARE)
            ]
            inside = len(networks) * PAGES.at_once // 2
            until(lambda: locked.waiting == inside, "the places to be taken")
            until(lambda: waiting(world) == len(asked) - inside, "the others to wait")
            yield locked
        assert {status(each) for each in asked} == {200}
    assert (figure(world, "masthead_requests_running"), waiting(world)) == (0, 0)


def waiting(world: World) -> float:
    return figure(world, "masthead_requests_waiting")


def get(world: World, path: str, network: str, accept: str = "text/html") -> httpx.Response:
    with http_client(world.url, headers={"x-forwarded-for": network, "accept": accept}) as client:
        return client.get(path)


def test_a_crowd_of_readers_is_turned_away_and_nobody_else(behind_proxy: World) -> None:
    world = behind_proxy
    reader, article = in_trial_by_pages(world), world.articles["subscriber"][0]
    reader.http.headers["x-forwarded-for"] = NETWORKS[0]
    with crowd(world, *NETWORKS) as locked:
        page = get(world, "/sign-in", "102.0.0.1")
        assert (page.status_code, page.headers["retry-after"]) == (503, "2")
        assert "<h1>One moment, please</h1>" in page.text
        assert page.headers["content-type"].startswith("text/html")
        problem = get(world, CROWDED, "102.0.0.1", accept="application/json")
        assert (problem.status_code, problem.headers["retry-after"]) == (503, "2")
        assert (problem.headers["content-type"], problem.json()["code"]) == (
            "application/problem+json",
            "busy",
        )
        for refused in (page, problem):
            assert "default-src 'none'" in refused.headers["content-security-policy"]
            assert refused.headers["cache-control"] == "private, no-store"
            assert refused.headers["x-request-id"]
        assert figure(world, "masthead_requests_turned_away_total") == 2

        answer = reader.http.get(f"/v1/access/{article}").json()
        assert (answer["allowed"], answer["reason"]) == (True, "trial"), "from memory"
        assert reader.http.get(f"/v1/access/{article}?prefetch=0").status_code == 200, "by the framework"
        for path in ("/healthz", "/readyz", "/metrics", "/staff/sign-in", "/static/site.css"):
            assert get(world, path, NETWORKS[0]).status_code == 200, path
        assert post(world, event(world)).json() == {"received": True, "new": True}
        world.start_trial("sipho@example.com", "pm_card_visa__77")
        assert locked.waiting == PAGES.at_once, "and the crowd still waits"


def test_a_crowd_of_one_network_leaves_half_of_the_places_to_others(behind_proxy: World) -> None:
    with crowd(behind_proxy, NETWORKS[0]):
        assert get(behind_proxy, "/sign-in", NETWORKS[0]).status_code == 503
        assert get(behind_proxy, "/sign-in", NETWORKS[1]).status_code == 200


def test_who_waits_too_long_is_told_to_come_again(make_world: Callable[..., World]) -> None:
    world = make_world(proxy_count=1, queue_seconds=0.01)
    with ExitStack() as open_sockets, locked_table(world, TABLE) as locked:
        inside = [
            open_sockets.enter_context(request(world, NETWORKS[0], CROWDED))
            for _ in range(PAGES.at_once // 2)
        ]
        until(lambda: locked.waiting == len(inside), "the places to be taken")
        late = get(world, CROWDED, NETWORKS[0])
        assert (late.status_code, late.headers["retry-after"]) == (503, "2")
        assert waiting(world) == 0, "it waits no more"
        locked.connection.rollback()
        assert {status(each) for each in inside} == {200}
    assert get(world, CROWDED, NETWORKS[0]).status_code == 200


def test_who_sends_slowly_or_reads_slowly_holds_no_place(behind_proxy: World) -> None:
    world = behind_proxy
    fastapi_of(world.app).router.add_route("/endless", _endless)
    with ExitStack() as held:
        for _ in range(PAGES.at_once):
            held.enter_context(request(world, NETWORKS[0], "/sign-in", more="Content-Length: 64\r\n"))
        slow = [held.enter_context(request(world, NETWORKS[0], "/endless")) for _ in range(PAGES.at_once)]
        assert {each.recv(12) for each in slow} == {b"HTTP/1.1 200"}, "each answer has begun"
        assert get(world, "/sign-in", NETWORKS[0]).status_code == 200
        assert figure(world, "masthead_requests_running") == 0


async def _endless(_: Request) -> PlainTextResponse:
    """More than the buffers of two sockets hold."""
    return PlainTextResponse("x" * 20_000_000)


def test_the_lanes_fit_into_the_pools_of_threads_and_connections(world: World) -> None:
    pool = world.services.database.engine.pool
    assert isinstance(pool, QueuePool)
    without_database = sum(lane.at_once for lane in (FILES, WEBHOOKS))
    at_once = sum(lane.at_once for lane in LANES)
    assert at_once - without_database < pool.size() + pool._max_overflow
    assert at_once - WEBHOOKS.at_once == THREADS
    assert all(lane.at_once >= 2 for lane in (STAFF, API)), "a share is one at least"
