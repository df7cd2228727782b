"""No request of a visitor makes a publisher's Python site unavailable to others. No byte, method, path or length
counts as "Masthead is away". Requests that HTTP forbids aren't forwarded (v5.0.0-4.2.5, v5.0.0-15.3.2,
v5.0.0-16.5.2).
"""

import asyncio
import json
import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest

from billing.edges import asgi, wsgi
from billing.edges.masthead import AWAY, Answer, Masthead, Who
from tests.support import publisher
from tests.support.faulty_proxy import faulty_proxy
from tests.support.publisher import LOCKED, serve
from tests.support.signed_in import session_secret
from tests.support.starting_points import Subscriber
from tests.support.stepped_clock import SteppedClock
from tests.support.web_server import WebServer
from tests.support.world import World

BYTES = [bytes([one]) for one in (*range(0x20), 0x7F, *range(0x80, 0x100))]
Headers = list[tuple[bytes, bytes]]
LONG: list[Headers] = [
    [(b"user-agent", b"x" * 100_000)],
    [(b"cookie", b"ad=" + b"x" * 100_000)],
    [(b"cookie", b"; ".join(b"ad%d=%d" % (n, n) for n in range(5_000)))],
    [(b"cookie", b"; ".join(b"masthead-gift=gft_%d" % n for n in range(5_000)))],
    [(b"cookie", b"masthead-session=" + b"x" * 50_000)],
    [(b"cookie", b"__Host-masthead-visitor=" + b"x" * 50_000 + b"; masthead-token=" + b"a." * 9_000)],
    [(b"authorization", b"Bearer " + b"x" * 30_000 + b".y.z")],
    [(b"authorization", b"Bearer " + b"." * 30_000)],
    [(b"sec-purpose", b"x" * 100_000)],
]
METHODS = ["HEAD", "TRACE", "PROPFIND", "get", "", "GET /x HTTP/1.1\r\nx:", "\xe9", "X" * 5_000]
IDS = [
    "",
    ".",
    "..",
    "../..",
    "a/b",
    "a?b",
    "a#b",
    "%2e%2e",
    "%",
    "\xe9",
    "\ud800",
    "\x00",
    "a\r\nX-A: b",
    "//evil.example",
]
IDS += ["http://evil.example", "x" * 201, "x" * 100_000, "." * 70_000]
Ask = Callable[..., Answer]
"""`ask(headers, method="GET", article=LOCKED)`: the answer that the site's application gets."""


def article_of(path: str) -> str | None:
    return path.removeprefix("/articles/") if path.startswith("/articles/") else None


def by_wsgi(masthead: Masthead, _: asyncio.Runner) -> Ask:
    edge_answers: list[Answer] = []

    def app(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        edge_answers.append(environ["masthead"])
        start("200 OK", [])
        return []

    site = wsgi.Paywall(app, masthead, article_of)

    def ask(headers: Headers, method: str = "GET", article: str = LOCKED) -> Answer:
        environ: dict[str, Any] = {"REQUEST_METHOD": method, "PATH_INFO": f"/articles/{article}"}
        for name, value in headers:  # PEP 3333: bytes are text in Latin-1
            environ[f"HTTP_{name.decode().upper().replace('-', '_')}"] = value.decode("latin-1")
        site(environ, lambda *_: None)
        return edge_answers[-1]

    return ask


def by_asgi(masthead: Masthead, runner: asyncio.Runner) -> Ask:
    edge_answers: list[Answer] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        edge_answers.append(scope["masthead"])
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def nothing(*_: object) -> dict[str, Any]:
        return {}

    site = asgi.Paywall(app, masthead, article_of)

    def ask(headers: Headers, method: str = "GET", article: str = LOCKED) -> Answer:
        scope = {"type": "http", "method": method, "path": f"/articles/{article}", "headers": headers}
        runner.run(site(scope, nothing, nothing))  # type: ignore[arg-type]
        return edge_answers[-1]

    return ask


@pytest.fixture(params=[by_wsgi, by_asgi])
def edge(request: pytest.FixtureRequest) -> Iterator[Callable[[Masthead], Ask]]:
    """A site in front of this client."""
    with asyncio.Runner() as runner:
        yield lambda masthead: request.param(masthead, runner)


def cookie_of(world: World, reader: Subscriber) -> Headers:
    return [(b"cookie", f"masthead-session={session_secret(world, reader.email)}".encode())]


def test_no_byte_length_method_or_article_of_a_visitor_closes_the_site_for_others(
    world: World, in_trial: Subscriber, edge: Callable[[Masthead], Ask]
) -> None:
    ask = edge(Masthead(world.url, timeout=30))
    payer = cookie_of(world, in_trial)
    for odd in BYTES:
        everywhere = [
            (b"user-agent", b"Mozilla/5.0 " + odd + b" x"),
            (b"cookie", b"theme=" + odd + b"; masthead-session=" + odd + b"; masthead-gift=x" + odd),
            (b"authorization", b"Bearer a" + odd + b".b.c"),
            (b"purpose", odd),
        ]
        for headers in (everywhere, *([one] for one in everywhere)):
            assert ask(headers).reason == "subscribe", headers
        beside = [(b"user-agent", odd), (b"cookie", b"theme=" + odd + b"; " + payer[0][1])]
        assert ask(beside).reason == "trial", "a reader with an odd cookie of another's is still known"
    for headers in LONG:
        assert ask(headers).reason == "subscribe", headers[0][1][:40]
    for method in METHODS:
        assert ask([], method=method).reason == "subscribe", method
    for article in IDS:
        assert ask([], article=article).reason == "unknown_article", article[:40]
    answer = ask(payer)
    assert (answer.reason, answer.remembered) == ("trial", False)


@contextmanager
def wsgi_server(site: wsgi.Paywall) -> Iterator[int]:
    class Quiet(WSGIRequestHandler):
        def log_message(self, *_: Any) -> None:
            """Nothing is written."""

    with make_server("127.0.0.1", 0, site, handler_class=Quiet) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join(10)


@contextmanager
def asgi_server(site: asgi.Paywall) -> Iterator[int]:
    with closing(WebServer()) as server:
        server.start(site)
        server.use(site)
        yield int(server.url.rpartition(":")[2])


def wsgi_page(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
    start("200 OK", [("Content-Type", "text/plain")])
    return [environ["masthead"].reason.encode()]


async def asgi_page(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": scope["masthead"].reason.encode()})


@pytest.mark.parametrize("kind", ["wsgi", "asgi"])
def test_bytes_on_the_wire_do_not_close_the_site(world: World, in_trial: Subscriber, kind: str) -> None:
    """The same by sockets and real servers."""
    masthead = Masthead(world.url, timeout=30)
    serving = (
        wsgi_server(wsgi.Paywall(wsgi_page, masthead, article_of))
        if kind == "wsgi"
        else asgi_server(asgi.Paywall(asgi_page, masthead, article_of))
    )
    with serving as port:

        def answer(*headers: bytes) -> bytes:
            with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
                lines = (
                    f"GET /articles/{LOCKED} HTTP/1.1".encode(),
                    b"Host: x",
                    b"Connection: close",
                    *headers,
                )
                connection.sendall(b"\r\n".join(lines) + b"\r\n\r\n")
                return b"".join(iter(lambda: connection.recv(65536), b""))

        for odd in (b"\x80", b"\xa0", b"\xe9", b"\xff", "Ω".encode()):
            assert b"subscribe" in answer(b"User-Agent: " + odd, b"Cookie: theme=" + odd)
        (cookie,) = cookie_of(world, in_trial)
        assert b"trial" in answer(b"Cookie: " + cookie[1])


class Recorder:
    """Stands for Masthead. It records requests and answers as set."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, list[tuple[str, str]]]] = []

    def __call__(self, request: BaseHTTPRequestHandler) -> publisher.Answer:
        self.seen.append((request.path, request.headers.items()))
        shape = {"allowed": False, "reason": "subscribe", "features": [], "until": None, "meter": None}
        body = json.dumps(shape | {"subscribe_url": None}).encode()
        return 200, {"Set-Cookie": "lb=1; Path=/", "Content-Type": "application/json"}, body


def test_only_what_the_check_needs_is_sent_on_each_thing_once_and_short(
    edge: Callable[[Masthead], Ask],
) -> None:
    """Neither other cookies of the paper's nor its visitor's network. `__Host-` wins over a name that any sibling host can
    set.
    """
    recorder = Recorder()
    with serve(recorder) as port:
        ask = edge(Masthead(f"http://127.0.0.1:{port}", timeout=30))
        for headers in LONG:
            ask(headers)
        answer = ask(
            [
                (
                    b"cookie",
                    b"theme=dark; masthead-session=tossed; __Host-masthead-session=own; masthead-staff=s",
                ),
                (b"x-forwarded-for", b"10.0.0.1"),
                (b"referer", b"https://www.paper.example/secret"),
                (b"accept-language", b"xh"),
                (b"user-agent", b"caf\xe9\x00\r\nX-A: b"),
                (b"range", b"bytes=0-1"),
            ]
        )
    assert answer.cookies == (), "a load balancer's cookie is not for the paper's readers"
    names = {name.lower() for _, headers in recorder.seen for name, _ in headers}
    assert names <= {
        "host",
        "accept",
        "accept-encoding",
        "connection",
        "user-agent",
        "cookie",
        "authorization",
    }
    assert max(sum(len(name + value) for name, value in headers) for _, headers in recorder.seen) < 8_000
    last = dict(recorder.seen[-1][1])
    assert last["Cookie"] == "__Host-masthead-session=own"
    assert last["User-Agent"] == "caf\xe9X-A: b"


PAGE = b"<html><h1>400 Request Header Or Cookie Too Large</h1>"
ANSWERS: list[publisher.Answer] = [
    *(
        (status, {"Content-Type": "text/html"}, PAGE)
        for status in (400, 403, 404, 405, 413, 414, 421, 431, 451)
    ),
    (200, {"Content-Type": "text/html"}, PAGE),
    (200, {}, b"[" * 60_000),
    (200, {}, b"{}"),
    (200, {}, b'{"allowed": true, "reason": "free"}'),
    *(
        (
            200,
            {},
            json.dumps(
                {"reason": "trial", "features": [], "meter": None, "subscribe_url": None} | odd
            ).encode(),
        )
        for odd in (
            {"allowed": "false", "until": None},
            {"allowed": True, "until": "soon"},
            {"allowed": 1, "until": None},
        )
    ),
    (404, {}, b'["code"]'),
    (204, {}, b""),
    *((status, {"Location": "/v1/access/market-day-comes-back"}, b"") for status in (301, 302, 307, 308)),
]


def test_any_answer_but_trouble_at_the_server_closes_the_article_and_nothing_else(
    world: World, in_trial: Subscriber
) -> None:
    with faulty_proxy(world) as proxy:
        known = known_reader(world, in_trial)
        for said in ANSWERS:
            case = f"{said[0]} {said[2][:80]!r}"
            proxy.state = "through"
            proxy.asked.clear()
            masthead = Masthead(proxy.url, timeout=30)
            assert masthead.ask(LOCKED, known).reason == "trial", case
            proxy.state = said
            for _ in range(5):
                answer = masthead.ask(LOCKED, known)
                assert not answer.allowed, case
                assert answer != AWAY, case
            assert len(proxy.asked) == 6, f"a redirect is not followed, and there is no rest: {case}"
            proxy.state = "through"
            assert masthead.ask(LOCKED, known).reason == "trial", case
            proxy.state = "broken"
            assert masthead.ask(LOCKED, known).remembered, case


def test_trouble_at_the_server_is_away(world: World, in_trial: Subscriber) -> None:
    with faulty_proxy(world) as proxy:
        known = known_reader(world, in_trial)
        for status in (429, 500, 502, 503, 504):
            proxy.state = "through"
            masthead = Masthead(proxy.url, timeout=30)
            assert masthead.ask(LOCKED, known).allowed, status
            proxy.state = (status, {}, PAGE)
            assert masthead.ask(LOCKED, known).remembered, status
            assert masthead.ask(LOCKED, Who()) == AWAY, status


def known_reader(world: World, reader: Subscriber) -> Who:
    return Who(cookies=cookie_of(world, reader)[0][1].decode())


@pytest.mark.parametrize("state", ["broken", "cut"])
def test_a_visitor_whose_own_requests_fail_rests_nobody_else(
    world: World, in_trial: Subscriber, state: str
) -> None:
    """One visitor causes three failures in a row. The client then checks itself whether Masthead answers."""
    with faulty_proxy(world) as proxy:
        masthead, known = Masthead(proxy.url, timeout=30), known_reader(world, in_trial)
        proxy.state, proxy.affects = state, lambda request: "gift" in request.headers.get("cookie", "")
        for _ in range(7):
            assert masthead.ask(LOCKED, Who(cookies="masthead-gift=gft_1.x")) == AWAY
        answer = masthead.ask(LOCKED, known)
        assert (answer.reason, answer.remembered) == ("trial", False)


def test_what_is_remembered_ends_an_hour_after_it_was_said(world: World, in_trial: Subscriber) -> None:
    """This holds for any setting of the site."""
    clock = SteppedClock()
    with faulty_proxy(world) as proxy:
        masthead = Masthead(proxy.url, timeout=30, memory=200 * 86_400, monotonic=clock.seconds)
        known = known_reader(world, in_trial)
        assert masthead.ask(LOCKED, known).allowed
        proxy.state = "broken"
        clock.step(3_599)
        assert masthead.ask(LOCKED, known).remembered
        clock.step(2)
        assert masthead.ask(LOCKED, known) == AWAY


def test_an_answer_without_end_is_not_read_to_its_end() -> None:
    sent = 0
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def pour() -> None:
            nonlocal sent
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 999999999\r\n\r\n")
                try:
                    while True:
                        sent += connection.send(b" " * 65536)
                except OSError:
                    return

        thread = threading.Thread(target=pour, daemon=True)
        thread.start()
        masthead = Masthead(f"http://127.0.0.1:{listener.getsockname()[1]}", timeout=30)
        assert not masthead.ask(LOCKED, Who()).allowed
        thread.join(60)
    assert sent < 30_000_000, "what was under way in the sockets"


def test_a_stale_token_alone_is_a_stranger_who_holds_nothing(world: World) -> None:
    with faulty_proxy(world) as proxy:
        masthead = Masthead(proxy.url, timeout=30)
        stale = Who(token="a.b.c")
        assert masthead.ask(LOCKED, stale).reason == "subscribe"
        proxy.state = "broken"
        assert masthead.ask(LOCKED, stale) == AWAY
