"""A publisher's own host beside Masthead: `www.paper.example` and `accounts.paper.example`, as a browser sees them.

A proxy tells Chromium where the two names are; nothing else is made up."""

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest
from playwright.sync_api import BrowserContext

from billing.readers import sessions
from billing.web.sample_articles import sample_article
from tests.edges.named_hosts import named_hosts
from tests.support.shared_chromium import Chromium
from tests.support.world import World

LOCKED = "the-water-nobody-counted"
ACCOUNTS, WWW = "http://accounts.paper.example", "http://www.paper.example"
PATIENCE_SECONDS = 90
ELSEWHERE = "http://elsewhere.example"


def sentinels(article_id: str = LOCKED) -> list[str]:
    """Pieces of an article's text that stand nowhere else."""
    found = sample_article(article_id)
    assert found is not None
    return [
        block.text[30:70] for block in found.paragraphs if len(block.text) > 120 and "&" not in block.text
    ]


def told(article_id: str = LOCKED) -> str:
    """The whole text, as a publisher's server has it."""
    found = sample_article(article_id)
    assert found is not None
    return "".join(f"<p>{block.text}</p>" for block in found.paragraphs)


def signed_in(world: World, email: str) -> str:
    """The secret of a new session of somebody known."""
    with world.parts.database.transaction() as session:
        row = world.rows("SELECT id FROM reader WHERE email = :email", email=email)[0]
        return sessions.open_session(
            session,
            world.parts.office.tokens,
            row["id"],
            at=world.now,
            ip="127.0.0.1",
            device="Test/1",
            proved=True,
        )


Answer = tuple[int, dict[str, str], bytes]


class Publisher(ThreadingHTTPServer):
    """Takes as many at once as come."""

    daemon_threads = True
    request_queue_size = 128


@contextmanager
def serve(answer: Callable[[BaseHTTPRequestHandler], Answer]) -> Iterator[int]:
    """A publisher's server on loopback; its port. `answer` is called for each request."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            try:
                status, headers, body = answer(self)
            except ConnectionAbortedError:
                return
            self.send_response(status)
            sized = {} if status in (204, 304) else {"Content-Length": str(len(body))}
            for name, value in (sized | headers).items():
                self.send_header(name, value)
            self.end_headers()
            if status in (204, 304):
                return
            if self.command != "HEAD":
                self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Nobody reads it."""

        do_HEAD = do_GET  # noqa: N815 - the library's name

    server = Publisher(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=10)


class Line:
    """What lies between an edge and Masthead: it passes everything on, until it is so slow that nobody waits, cut, or says 503."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.state = "through"
        self.over = threading.Event()
        """Set at the end: until then nobody who asks a slow line is answered."""
        self.asked: list[str] = []
        self.url = ""

    def __call__(self, request: BaseHTTPRequestHandler) -> Answer:
        """Pass a request on, with what it brought."""
        self.asked.append(request.path)
        if self.state == "slow":
            self.over.wait(PATIENCE_SECONDS)
            raise ConnectionAbortedError
        if self.state == "cut":
            request.close_connection = True
            request.connection.close()
            raise ConnectionAbortedError
        if self.state == "broken":
            return 503, {}, b"{}"
        headers = {name: value for name, value in request.headers.items() if name.lower() != "host"}
        url = self.world.url + request.path
        with httpx.Client(trust_env=False, timeout=60) as http:
            given = http.request(request.command, url, headers=headers)
        skipped = ("content-length", "connection", "transfer-encoding", "date")
        pairs = {n: v for n, v in given.headers.items() if n.lower() not in skipped}
        return given.status_code, pairs, given.content


@pytest.fixture
def line(world: World) -> Iterator[Line]:
    """Between an edge and this world; `line.url` is what the edge knows."""
    found = Line(world)
    with serve(found) as port:
        found.url = f"http://127.0.0.1:{port}"
        try:
            yield found
        finally:
            found.over.set()


Visit = Callable[..., BrowserContext]


@pytest.fixture
def visit(chromium: Chromium) -> Iterator[Visit]:
    """`visit({ACCOUNTS: port, WWW: port}, session="…")`: a fresh context of Chromium that finds these hosts on loopback."""
    with ExitStack() as ends:

        def begin(hosts: dict[str, int], session: str = "", **options: Any) -> BrowserContext:
            names = {url.removeprefix("http://"): port for url, port in hosts.items()}
            proxy = {"server": ends.enter_context(named_hosts(names))}
            size = {"width": 360, "height": 740}
            context = ends.enter_context(chromium.context(viewport=size, proxy=proxy, **options))
            if session:
                cookie = {"name": "masthead-session", "value": session, "url": ACCOUNTS}
                context.add_cookies([cookie | {"httpOnly": True, "sameSite": "Lax"}])  # type: ignore[list-item]
            return context

        yield begin
