"""Every route of Masthead through Debian's nginx and Caddy with the sample configurations."""

import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import httpx
import pytest

from billing.app import create_app
from tests.edges.caddy_front import CADDY, SAMPLE, caddy_front, variables
from tests.edges.nginx_front import NGINX, nginx_front
from tests.edges.tls_edge import ACCOUNTS, TlsEdge
from tests.support.certificates import authority
from tests.support.faulty_proxy import FaultyProxy
from tests.support.http_client import http_client
from tests.support.routes import Route, routes_of
from tests.support.world import World

OPERATORS = {"/healthz", "/readyz", "/metrics"}
MOUNTED = Route("GET", "/static/site.css", has_body=False)
KNOW_HEAD = ("/v1/", "/u/")
"""Routes that know HEAD from GET: it reads no article, and unsubscribes nobody. Some of them refuse it."""
SHARED = (
    *("/static/site.css", "/paywall.js", "/robots.txt", "/openapi.json"),
    *("/.well-known/jwks.json", "/.well-known/authzen-configuration", "/.well-known/security.txt"),
)
Start = Callable[..., AbstractContextManager[TlsEdge]]
EDGES = [
    pytest.param(
        nginx_front, marks=pytest.mark.skipif(NGINX is None, reason="nginx is not installed"), id="nginx"
    ),
    pytest.param(
        caddy_front, marks=pytest.mark.skipif(CADDY is None, reason="Caddy is not installed"), id="caddy"
    ),
]


@pytest.fixture(params=EDGES)
def start(request: pytest.FixtureRequest) -> Start:
    found: Start = request.param
    return found


def any_rate(start: Start) -> dict[str, str]:
    """The change by which nginx takes as many requests as a test sends. Caddy does anyway."""
    return {"rate=20r/s": "rate=10000r/s"} if start is nginx_front else {}


@pytest.fixture
def edge(world: World, proxy: FaultyProxy, tmp_path: Path, start: Start) -> Iterator[TlsEdge]:
    with start(world, proxy, tmp_path, any_rate(start), masthead=world.url) as found:
        yield found


@pytest.fixture
def outside(edge: TlsEdge) -> Iterator[httpx.Client]:
    """A client of the accounts' host."""
    trusted, named = authority().trusted(), {"host": ACCOUNTS}
    with httpx.Client(base_url=edge.url, verify=trusted, trust_env=False, timeout=90, headers=named) as http:
        yield http


@pytest.fixture
def inside(world: World) -> Iterator[httpx.Client]:
    """A client that asks Masthead itself, by the same host's name."""
    with http_client(world.url) as http:
        http.headers["host"] = ACCOUNTS
        yield http


def ask(http: httpx.Client, method: str, path: str, **headers: str) -> httpx.Response:
    """The answer to somebody without cookies."""
    http.cookies.clear()
    return http.request(method, path, headers=headers, extensions={"sni_hostname": ACCOUNTS})


def live_routes(world: World) -> list[Route]:
    """The routes of a live installation."""
    return [*routes_of(create_app(world.services)), MOUNTED]


def test_every_route_reaches_masthead_by_its_method(
    world: World, inside: httpx.Client, outside: httpx.Client
) -> None:
    found = [route for route in live_routes(world) if route.path not in OPERATORS]
    assert {route.method for route in found} == {"GET", "POST", "PUT", "DELETE"}
    wrong = []
    for route in found:
        path = route.at(section="News", article_id=world.articles["subscriber"][0])
        own, through = (ask(http, route.method, path) for http in (inside, outside))
        is_masthead = "x-request-id" in through.headers or through.content == own.content
        if through.status_code != own.status_code or not is_masthead:
            wrong.append(f"{route}: {own.status_code} inside, {through.status_code} outside")
    assert wrong == []


def test_head_is_answered_like_get_where_it_is_the_same(
    world: World, inside: httpx.Client, outside: httpx.Client
) -> None:
    wrong = []
    for route in live_routes(world):
        if route.method != "GET" or route.path in OPERATORS:
            continue
        path, method = route.at(), "HEAD" if route.path.startswith(KNOW_HEAD) else "GET"
        own, head = ask(inside, method, path), ask(outside, "HEAD", path)
        if (head.status_code, head.content) != (own.status_code, b""):
            wrong.append(f"{path}: {own.status_code} inside, {head.status_code} outside")
    assert wrong == []


def test_what_operators_ask_is_kept_in(edge: TlsEdge) -> None:
    for path in sorted(OPERATORS):
        for spelled in (path, f"{path}?x", f"/%{ord(path[1]):x}{path[2:]}", f"/{path}", f"/x/..{path}"):
            for method in ("GET", "HEAD", "POST"):
                answer = edge.raw(spelled, "", host=ACCOUNTS, method=method)
                assert answer.startswith(b"HTTP/1.1 404 "), (method, spelled)
                assert b"x-request-id" not in answer.lower(), (method, spelled)


def allow_list(start: Start) -> dict[str, str]:
    """The sample's own lines that keep staff pages to a network, without their comment signs."""
    if start is nginx_front:
        lines = "# allow 192.0.2.0/24;\n        # deny all;"
        return {lines: lines.replace("# ", "")}
    _, found, rest = SAMPLE.read_text().partition("\t# @strangers {")
    lines = found + rest.partition("\n\n")[0]
    return {lines: lines.replace("# ", "")}


def test_staff_pages_are_kept_to_the_listed_networks(
    world: World, proxy: FaultyProxy, tmp_path: Path, start: Start
) -> None:
    with start(world, proxy, tmp_path, allow_list(start) | any_rate(start)) as edge:
        for route in live_routes(world):
            if route.path.startswith("/staff"):
                assert edge.status(route.at(), host=ACCOUNTS, method=route.method) == 403, route
        for path in ("/%73taff", "/./staff", "/x/../staff/readers", "/staff/"):
            assert edge.status(path, host=ACCOUNTS) == 403, path
        assert proxy.asked == []
        assert edge.status("/account", host=ACCOUNTS) == 303


def test_address_and_host_are_the_edges_own(proxy: FaultyProxy, tmp_path: Path, start: Start) -> None:
    seen: list[dict[str, str]] = []

    def note(request: BaseHTTPRequestHandler) -> bool:
        seen.append({name.lower(): value for name, value in request.headers.items()})
        assert len(seen[-1]) == len(request.headers), "each header once"
        return False

    proxy.affects = note
    with start(proxy.world, proxy, tmp_path) as edge:
        forged = "X-Forwarded-For: 10.9.8.7\r\nX-Forwarded-Host: evil.example\r\nForwarded: for=10.9.8.7"
        for path in ("/sign-in", "/staff", "/webhooks/stripe", "/robots.txt"):
            edge.raw(path, forged, host=ACCOUNTS)
        assert [(each["host"], each["x-forwarded-for"]) for each in seen] == [(ACCOUNTS, "127.0.0.1")] * 4
        assert not [each for each in seen if each.keys() & {"forwarded", "x-forwarded-host"}]
        assert edge.status("/sign-in", host=ACCOUNTS) == 200
        answer = edge.raw("/sign-in", "", host=ACCOUNTS, named="evil.example")
        assert (answer[:12], len(seen)) in [(b"", 5), (b"HTTP/1.1 421", 5)], "another name gets nothing"


def test_what_is_the_same_for_everybody_is_compressed_and_pages_are_not(outside: httpx.Client) -> None:
    for path in ("/static/site.css", "/paywall.js", "/openapi.json"):
        answer = ask(outside, "GET", path, **{"accept-encoding": "gzip"})
        assert answer.headers["content-encoding"] == "gzip", path
        assert "accept-encoding" in answer.headers["vary"].lower(), path
    for path in ("/", "/sign-in", "/subscribe"):
        page = ask(outside, "GET", path, **{"accept-encoding": "gzip"})
        assert len(page.content) > 1_000
        assert "content-encoding" not in page.headers, path
        assert page.headers["cache-control"] == "private, no-store", path


def test_each_answer_keeps_its_headers_of_security_and_names_no_server(
    inside: httpx.Client, outside: httpx.Client
) -> None:
    for path in ("/sign-in", "/paywall.js", "/v1/access/none"):
        own, through = (ask(http, "GET", path) for http in (inside, outside))
        for name in ("content-security-policy", "x-content-type-options", "cache-control"):
            assert through.headers.get(name) == own.headers.get(name), (path, name)
        assert through.headers.get("server", "nginx") == "nginx", "without a version"
        assert "via" not in through.headers


def test_plain_http_leads_to_https(edge: TlsEdge) -> None:
    plain = httpx.get(
        f"http://127.0.0.1:{edge.plain_port}/account?x=1", headers={"host": ACCOUNTS}, trust_env=False
    )
    assert plain.status_code in (301, 308)
    assert plain.headers["location"].startswith(f"https://{ACCOUNTS}")
    assert plain.headers["location"].endswith("/account?x=1")


def test_large_bodies_are_refused(edge: TlsEdge) -> None:
    for path, size in (("/sign-in", 70_000), ("/sign-in", 20_000_000), ("/webhooks/stripe", 600_000)):
        with httpx.Client(verify=authority().trusted(), trust_env=False, timeout=90) as http:
            sent = http.post(
                edge.url + path,
                content=b"x" * size,
                headers={"host": ACCOUNTS},
                extensions={"sni_hostname": ACCOUNTS},
            )
        assert sent.status_code == 413, path


@pytest.mark.skipif(NGINX is None, reason="nginx is not installed")
def test_nginx_asks_once_for_what_may_be_shared(world: World, proxy: FaultyProxy, tmp_path: Path) -> None:
    """Caddy has no cache of its own."""
    with nginx_front(world, proxy, tmp_path) as edge:
        for path in (*SHARED, "/static/site.css?v=1"):
            found = [edge.get(path, method, host=ACCOUNTS, cookie="a=b") for method in ("GET", "GET", "HEAD")]
            assert {answer.status_code for answer in found} == {200}, path
            assert found[0].content == found[1].content
            assert not [answer for answer in found if "x-request-id" in answer.headers], (
                "that of another request"
            )
            expected = 3 if path == "/static/site.css" else 1
            assert proxy.asked.count(path) == expected, f"{path}: without a version it may change at any time"
        for path in ("/sign-in", "/v1/access/none", "/.well-known/none"):
            for _ in range(2):
                edge.get(path, host=ACCOUNTS)
            assert proxy.asked.count(path) == 2, path
        proxy.state = "broken"
        assert edge.get("/paywall.js", host=ACCOUNTS).status_code == 200
        assert edge.get("/sign-in", host=ACCOUNTS).status_code == 503


@pytest.mark.skipif(CADDY is None, reason="Caddy is not installed")
def test_caddy_finds_its_sample_valid_and_in_shape(tmp_path: Path) -> None:
    assert CADDY is not None
    kept = variables(tmp_path, "http://web:8000")
    for words in (["validate", "--adapter", "caddyfile", "--config", str(SAMPLE)], ["fmt", str(SAMPLE)]):
        done = subprocess.run([CADDY, *words], env=kept, capture_output=True, text=True, check=True)
    assert done.stdout == SAMPLE.read_text()
