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
    """Passes every request on to Masthead while its `state` is "through". Otherwise it is "slow", "cut" or "broken" (503), or
    an answer that it gives itself."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.state: str | Answer = "through"
        self.meets: Callable[[BaseHTTPRequestHandler], bool] = lambda request: True
        """Which requests meet that state. All others are passed on."""
        self.over = threading.Event()
        """Set at the end. Until then a slow proxy answers nobody."""
        self.asked: list[str] = []
        self.url = ""
        """Its own address, which an edge knows."""

    def __call__(self, request: BaseHTTPRequestHandler) -> Answer:
        """Pass a request on, with what it brought."""
        self.asked.append(request.path)
        if self.meets(request):
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
    """One that works, until the test sets its `state`."""
    found = FaultyProxy(world)
    with serve(found) as port:
        found.url = f"http://127.0.0.1:{port}"
        try:
            yield found
        finally:
            found.over.set()
