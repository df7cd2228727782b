"""Attacks on the sample nginx: false headers, forwarded requests, cached answers and exposed data (v5.0.0-3.5.4,
v5.0.0-4.1.3, v5.0.0-8.3.2, v5.0.0-13.4.5, v5.0.0-15.3.4).
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import httpx
import pytest

from tests.edges.edge import NOMSA, start_trials
from tests.edges.nginx_front import NGINX, Nginx, nginx_front
from tests.edges.paper import BEGINNING, METERED, secrets
from tests.edges.tls_edge import ACCOUNTS, WWW
from tests.support import publisher
from tests.support.faulty_proxy import FaultyProxy, faulty_proxy
from tests.support.http_client import http_client
from tests.support.polling import eventually
from tests.support.publisher import LOCKED
from tests.support.world import World

pytestmark = pytest.mark.skipif(NGINX is None, reason="nginx is not installed")
HTML = {"Content-Type": "text/html"}
REFUSALS: list[publisher.Answer] = [
    *((status, HTML, b"<h1>Bad Request</h1>") for status in (400, 404, 405, 413, 414, 421, 422, 431, 451)),
    (302, {"Location": "/v1/gate/market-day-comes-back"}, b""),
]
NEEDED = {
    "host",
    "cookie",
    "authorization",
    "user-agent",
    "sec-purpose",
    "purpose",
    "x-original-method",
    "x-forwarded-for",
}
LARGE = [
    f"masthead-gift={'x' * 12_000}",
    f"__Host-masthead-session={'x' * 12_000}",
    f"masthead-token={'a' * 6_000}.{'b' * 6_000}.c",
    "; ".join(f"masthead-visitor=vis_{number}" for number in range(400)),
]
NETWORK = "# allow 192.0.2.0/24;\n        # deny all;"


class Wire:
    """What reaches Masthead by the proxy: every request's path and headers."""

    def __init__(self, proxy: FaultyProxy) -> None:
        self.seen: list[tuple[str, dict[str, str]]] = []
        proxy.affects = self._note

    def _note(self, request: BaseHTTPRequestHandler) -> bool:
        headers = {name.lower(): value for name, value in request.headers.items()}
        assert len(headers) == len(request.headers), "each header once"
        self.seen.append((request.path, headers))
        return False


@pytest.fixture
def edge(world: World, tmp_path: Path) -> Iterator[Nginx]:
    start_trials(world)
    with faulty_proxy(world) as proxy, nginx_front(world, proxy, tmp_path) as found:
        yield found


def test_any_answer_but_trouble_at_masthead_closes_the_article(edge: Nginx) -> None:
    payer = edge.subscriber()
    for refusal in REFUSALS:
        edge.proxy.state = "through"
        assert secrets()[0] in edge.get(f"/articles/{LOCKED}", cookie=payer).content
        assert edge.caches(2)
        edge.proxy.state = refusal
        for article in (LOCKED, METERED):
            assert edge.get(f"/articles/{article}", cookie=payer).content == BEGINNING, refusal
    for status in (429, 500, 503):
        edge.proxy.state = (status, HTML, b"")
        for article in (LOCKED, METERED):
            assert secrets(article)[0] in edge.get(f"/articles/{article}", cookie=payer).content, status


def test_what_is_remembered_ends_an_hour_after_it_was_said_however_often_it_is_used(edge: Nginx) -> None:
    payer = edge.subscriber()
    assert secrets()[0] in edge.get(f"/articles/{LOCKED}", cookie=payer).content
    assert edge.caches(2)
    edge.proxy.state = "broken"
    for article in (LOCKED, METERED, LOCKED):
        assert secrets(article)[0] in edge.get(f"/articles/{article}", cookie=payer).content
    edge.an_hour_passes()
    for article in (LOCKED, METERED):
        assert edge.get(f"/articles/{article}", cookie=payer).content == BEGINNING


def test_nothing_large_and_nothing_of_others_is_sent_on(edge: Nginx) -> None:
    payer, wire = edge.subscriber(), Wire(edge.proxy)
    for large in LARGE:
        whole = edge.get(
            f"/articles/{LOCKED}", cookie=f"ad={'x' * 15_000}; {payer}; {large}", referer="https://x.example/"
        )
        assert secrets()[0] in whole.content, large[:40]
    edge.raw(
        f"/articles/{LOCKED}",
        f"User-Agent: {'é' * 3_000}\r\nCookie: {payer}\r\nX-Forwarded-For: 10.9.8.7\r\nRange: bytes=0-1",
    )
    assert eventually(
        lambda: sum(path.startswith("/v1/gate/") for path, _ in wire.seen) == 2 * (len(LARGE) + 1)
    )
    asked = [headers for path, headers in wire.seen if path.startswith("/v1/gate/")]
    for headers in asked:
        assert set(headers) <= NEEDED
        assert headers["cookie"] in (payer, f"{payer}; masthead-visitor=vis_0")
        assert (headers["host"], headers["x-forwarded-for"]) == (ACCOUNTS, "127.0.0.1")
        assert sum(map(len, headers.values())) < 2_000


def test_a_stranger_says_neither_whose_address_nor_which_host_it_is(edge: Nginx) -> None:
    wire = Wire(edge.proxy)
    forged = "X-Forwarded-For: 10.9.8.7\r\nX-Forwarded-For: 10.9.8.6\r\nX-Forwarded-Host: evil.example\r\nForwarded: for=10.9.8.7"
    for path in ("/sign-in", "/v1/access/x", "/staff", "/webhooks/stripe"):
        edge.raw(path, forged, host=ACCOUNTS)
    assert [path for path, _ in wire.seen] == ["/sign-in", "/v1/access/x", "/staff", "/webhooks/stripe"]
    for _, headers in wire.seen:
        assert (headers["host"], headers["x-forwarded-for"]) == (ACCOUNTS, "127.0.0.1")
        assert "forwarded" not in headers
        assert "x-forwarded-host" not in headers


def test_other_names_get_nothing(edge: Nginx) -> None:
    with pytest.raises(httpx.ConnectError):
        edge.get("/account", host="evil.example")
    for host in (ACCOUNTS, WWW):
        assert edge.raw("/account", "", host=host, named="evil.example") == b""
    with http_client(f"http://127.0.0.1:{edge.plain_port}") as http:
        for host in (ACCOUNTS, WWW):
            moved = http.get("/account?x=1", headers={"host": host})
            assert (moved.status_code, moved.headers["location"]) == (301, f"https://{host}/account?x=1")
        with pytest.raises(httpx.RemoteProtocolError):
            http.get("/account", headers={"host": "evil.example"})


def test_what_operators_ask_is_closed_to_all_others_on_both_hosts(edge: Nginx) -> None:
    wire = Wire(edge.proxy)
    for path in (
        "/metrics",
        "/healthz",
        "/readyz",
        "/%6detrics",
        "//metrics",
        "/./metrics",
        "/x/../metrics",
        "/metrics?x",
    ):
        assert edge.status(path, host=ACCOUNTS) == 404, path
        assert edge.status(path, host=WWW) == 404, path
    assert not [path for path, _ in wire.seen if path in ("/metrics", "/healthz", "/readyz")]


def test_the_articles_host_has_no_page_of_masthead(edge: Nginx) -> None:
    """Scripts of advertisers run on that host: from an account's own origin they could do whatever its reader can."""
    wire = Wire(edge.proxy)
    for path in (
        "/account",
        "/sign-in",
        "/staff",
        "/subscribe",
        "/v1/access-token",
        "/v1/access/x",
        "/webhooks/stripe",
    ):
        assert edge.get(path, cookie=edge.subscriber(NOMSA)).content == b"nothing here", path
    assert wire.seen == []


@pytest.mark.parametrize(
    "path", ["/staff", "/staff/", "/staff/readers", "/%73taff", "/./staff", "/x/../staff/readers"]
)
def test_staff_pages_can_be_kept_to_networks_of_ones_own(world: World, tmp_path: Path, path: str) -> None:
    with faulty_proxy(world) as proxy:
        wire = Wire(proxy)
        with nginx_front(world, proxy, tmp_path, {NETWORK: NETWORK.replace("# ", "")}) as edge:
            assert edge.status(path, host=ACCOUNTS) == 403
            assert edge.status("/account", host=ACCOUNTS) == 303
            assert [path for path, _ in wire.seen] == ["/account"]


def test_headers_and_bodies_have_bounds(edge: Nginx) -> None:
    assert edge.get("/", host=ACCOUNTS, cookie="x" * 9_000).status_code == 400

    for path, size in (("/sign-in", 70_000), ("/webhooks/stripe", 600_000)):
        assert edge.status(path, f"Content-Length: {size}", host=ACCOUNTS, method="POST") == 413


def test_a_flood_of_articles_is_cut_and_a_readers_browsing_is_not(edge: Nginx) -> None:
    """An address has 200 at once, and 20 a second after that. Each article would be a question to Masthead."""
    asked = [edge.status(f"/articles/{METERED}") for _ in range(100)]
    assert set(asked) == {200}, "a hundred tabs at once"
    with ThreadPoolExecutor(12) as pool:
        asked = list(pool.map(lambda _: edge.status(f"/articles/{LOCKED}"), range(1_500)))
    assert set(asked) == {200, 429}
    questions = [path for path in edge.proxy.asked if path == f"/v1/gate/{LOCKED}"]
    assert len(questions) == asked.count(200), "what was cut asked nothing"
    assert edge.status("/about") == 404, "the paper's own pages and pictures have no such bound"
    assert edge.status("/account", host=ACCOUNTS) == 303, "nor has that host"
