"""A proxy between an edge and Masthead that fails on demand."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler

from tests.support.http_client import http_client
from tests.support.publisher import Answer, serve
from tests.support.world import World

PATIENCE_SECONDS = 90


class FaultyProxy:
    """Forwards every request to Masthead while `state` is "through". Other states: "slow", "cut", "broken" (503), or an answer that
    the proxy itself gives."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.state: str | Answer = "through"
        self.affects: Callable[[BaseHTTPRequestHandler], bool] = lambda request: True
        """Which requests `state` applies to. All others are forwarded."""
        self.over = threading.Event()
        """Set at the end. Until then a slow proxy doesn't answer."""
        self.asked: list[str] = []
        self.url = ""
        """The proxy's address, which the edge is configured with."""

    def __call__(self, request: BaseHTTPRequestHandler) -> Answer:
        """Forward a request with its headers, unless `state` applies to it."""
        self.asked.append(request.path)
        if self.affects(request):
            if self.state == "slow":
                self.over.wait(PATIENCE_SECONDS)
                raise ConnectionAbortedError
            if self.state == "cut":
                request.close_connection = True
                request.connection.close()
                raise ConnectionAbortedError
            if self.state == "broken":
                return 503, {}, b"{}"
            if not isinstance(self.state, str):
                return self.state
        headers = [
            (name.encode("latin-1"), value.encode("latin-1"))
            for name, value in request.headers.items()
            if name.lower() != "host"
        ]
        with http_client(self.world.url) as http:
            given = http.request(request.command, request.path, headers=headers)
        skipped = ("content-length", "connection", "transfer-encoding", "date")
        pairs = {n: v for n, v in given.headers.items() if n.lower() not in skipped}
        return given.status_code, pairs, given.content


@contextmanager
def faulty_proxy(world: World) -> Iterator[FaultyProxy]:
    """A proxy that forwards everything until the test sets its `state`."""
    proxy = FaultyProxy(world)
    with serve(proxy) as port:
        proxy.url = f"http://127.0.0.1:{port}"
        try:
            yield proxy
        finally:
            proxy.over.set()
