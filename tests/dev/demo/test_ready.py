"""Readiness checks against real sockets."""

import socket
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest

from billing.dev.demo.ready import answers, greets, works

SAYS = {
    "/readyz": b"",
    "/seen": b'{"worker": {"state": "seen", "seen_at": "2027-03-01T08:00:00Z"}}',
    "/never": b'{"worker": {"state": "never_seen"}}',
    "/silent": b'{"worker": {"state": "silent"}}',
    "/of-others": b'["worker"]',
}


class Door(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200 if self.path in SAYS else 503)
        self.end_headers()
        self.wfile.write(SAYS.get(self.path, SAYS["/seen"]))

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
        return


@pytest.fixture
def address() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), Door) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_only_200_is_ready(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    assert answers(f"{address}/readyz")()
    assert not answers(f"{address}/other")()


def test_a_worker_is_ready_when_the_web_has_heard_it(address: str) -> None:
    assert works(f"{address}/seen")()
    for path in ("/never", "/silent", "/of-others", "/readyz", "/broken"):
        assert not works(f"{address}{path}")(), path


def test_nobody_there_is_not_ready() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        assert not answers(f"http://127.0.0.1:{port}/readyz")()
        assert not greets(port)()


@pytest.mark.parametrize(
    ("greeting", "ready"), [(b"220 mailbox\r\n", True), (b"421 not now\r\n", False), (b"", False)]
)
def test_a_mail_server_greets(greeting: bytes, ready: bool) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def greet() -> None:
            with server.accept()[0] as connection:
                connection.sendall(greeting)

        thread = Thread(target=greet)
        thread.start()
        assert greets(server.getsockname()[1])() is ready
        thread.join()
