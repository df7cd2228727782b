"""Answers that an application has ready: the server sends them in their turn, and calls it for all else."""

import gc
import re
import socket
import weakref
from collections.abc import Iterator
from typing import ClassVar

import pytest
from starlette.types import Receive, Scope, Send

from billing.http.at_once import SEND_READY, answer_head
from billing.web.kit.serve import server
from tests.support.stepped_loop import stepped

HOST = "Host: 127.0.0.1\r\n"
AT_ONCE, READY, CALLED = b"<at once>", b"<ready>", b"<called>"


class Paper:
    """Has `/known/…` in memory, but for one, and lists without an odd one; sends its other answers as a whole, or, on `/messages`, by
    messages."""

    addresses: ClassVar = {b"GET": re.compile(rb"/known/[a-z]+(\?[a-z=]+)?"), b"POST": re.compile(rb"/list")}

    def at_once(self, scope: Scope, body: bytes) -> tuple[bytes, bytes] | None:
        assert scope["method"] == ("POST" if scope["path"] == "/list" else "GET")
        if scope["path"] == "/known/forgotten" or b"odd" in body + scope["query_string"]:
            return None
        return answer_head(200, len(AT_ONCE), [(b"x-how", b"at once")]).wire, AT_ONCE

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        assert scope["path"] != "/list" or body.count(b"odd") == 1, "the body comes once, and whole"
        send_ready = scope.get(SEND_READY)
        if scope["path"] != "/messages" and send_ready is not None:
            ready = answer_head(200, len(READY), []).wire, READY
            if send_ready(ready):
                return
        headers = answer_head(200, len(CALLED), []).headers
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": CALLED})


@pytest.fixture
def connection() -> Iterator[socket.socket]:
    with stepped(server(Paper())) as running, running.connect() as connected:
        yield connected


def bodies(connection: socket.socket, sent: str, count: int = 1) -> list[bytes]:
    """Send this; the bodies of so many answers."""
    connection.sendall(sent.encode())
    received = b""
    while received.count(b">") < count:
        part = connection.recv(65536)
        if not part:
            break
        received += part
    return re.findall(rb"<[a-z ]+>", received)


def get(path: str, *headers: str, method: str = "GET", version: str = "1.1", body: str = "") -> str:
    """A request."""
    lines = "".join(f"{header}\r\n" for header in headers)
    return f"{method} {path} HTTP/{version}\r\n{HOST}{lines}\r\n{body}"


def post(body: str) -> str:
    """A list, asked for."""
    return get("/list", f"Content-Length: {len(body)}", method="POST", body=body)


SENT: dict[str, tuple[str, bytes]] = {
    "what is in memory": (get("/known/bridge"), AT_ONCE),
    "with headers": (get("/known/bridge", "Cookie: a=b", "Accept: */*"), AT_ONCE),
    "what is not": (get("/known/forgotten"), READY),
    "another address": (get("/unknown"), READY),
    "a query": (get("/known/bridge?a=b"), AT_ONCE),
    "a query that isn't in memory": (get("/known/bridge?is=odd"), READY),
    "a query with escapes": (get("/known/bridge?a=%62"), READY),
    "an escaped letter": (get("/known/%62ridge"), READY),
    "a whole URL": (get("http://127.0.0.1/known/bridge"), READY),
    "another method": (get("/known/bridge", "Content-Length: 0", method="POST"), READY),
    "a body": (post("some"), AT_ONCE),
    "a body that isn't in memory": (post("some odd"), READY),
    "a body that is too large": (post("some odd" + 20_000 * "x"), READY),
    "a body in chunks": (
        get("/list", "Transfer-Encoding: chunked", method="POST", body="3\r\nodd\r\n1\r\na\r\n0\r\n\r\n"),
        READY,
    ),
    "a body of a GET": (get("/known/bridge", "Content-Length: 4", body="some"), AT_ONCE),
    "the last of its connection": (get("/known/bridge", "Connection: close"), CALLED),
    "the old protocol": (get("/known/bridge", version="1.0"), CALLED),
    "an answer by messages": (get("/messages"), CALLED),
}


@pytest.mark.parametrize("what", SENT)
def test_each_request_is_answered_once_and_in_the_way_it_allows(connection: socket.socket, what: str) -> None:
    sent, expected = SENT[what]
    assert bodies(connection, sent) == [expected]
    if expected is not CALLED:
        assert bodies(connection, get("/known/bridge")) == [AT_ONCE], "the connection is still in use"


def test_answers_come_in_the_order_of_their_requests(connection: socket.socket) -> None:
    paths = ("/known/bridge", "/unknown", "/known/bridge", "/messages", "/known/forgotten", "/known/bridge")
    answers = bodies(connection, "".join(map(get, paths)), len(paths))
    # behind a request that is under way the application is called
    assert answers == [AT_ONCE, READY, READY, CALLED, READY, READY]
    assert bodies(connection, get("/known/bridge")) == [AT_ONCE]


def test_a_head_asks_for_no_body(connection: socket.socket) -> None:
    connection.sendall((get("/known/bridge", method="HEAD") + get("/known/bridge")).encode())
    received = b""
    while not received.endswith((AT_ONCE, READY)):
        received += connection.recv(65536)
    assert received.count(b"HTTP/1.1 200 OK\r\n") == 2
    assert received.count(b"<") == 1


def test_a_ready_answer_has_the_servers_own_headers_too(connection: socket.socket) -> None:
    for path in ("/known/bridge", "/unknown", "/messages"):
        connection.sendall(get(path).encode())
        received = b""
        while b">" not in received:
            received += connection.recv(65536)
        head, _, body = received.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 OK\r\n")
        names = [line.partition(b":")[0].lower() for line in head.split(b"\r\n")[1:]]
        assert sorted(names) == sorted({*names}), "each header comes once"
        assert {b"date", b"content-length"} <= set(names)
        assert int(re.search(rb"content-length: (\d+)", head)[1]) == len(body)  # type: ignore[index]


@pytest.mark.parametrize(("body", "expected"), [("some", AT_ONCE), ("odd", READY)])
def test_a_body_in_pieces_is_read_to_its_end(connection: socket.socket, body: str, expected: bytes) -> None:
    request = post(body)
    connection.sendall(request[:-2].encode())
    assert bodies(connection, request[-2:]) == [expected]


def test_a_client_that_waits_for_permission_to_send_its_body_gets_it(connection: socket.socket) -> None:
    request = get("/list", "Content-Length: 3", "Expect: 100-continue", method="POST")
    connection.sendall(request.encode())
    assert connection.recv(65536) == b"HTTP/1.1 100 Continue\r\n\r\n"
    assert bodies(connection, "odd") == [READY]


class Watched(Paper):
    """Keeps weak references to what the server made for each request."""

    def __init__(self) -> None:
        self.cycles: list[weakref.ref[object]] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            self.cycles.append(weakref.ref(receive.__self__))  # type: ignore[attr-defined]  # a method of uvicorn's
        await super().__call__(scope, receive, send)


@pytest.mark.parametrize("path", ["/unknown", "/known/forgotten", "/messages"])
def test_a_request_leaves_nothing_for_the_garbage_collector(path: str) -> None:
    """Its collections would interrupt the answers of a busy server for ten milliseconds at a time."""
    paper = Watched()
    gc.disable()
    try:
        with stepped(server(paper)) as running, running.connect() as connection:
            for _ in range(3):
                bodies(connection, get(path))
            running.step(0)
            left = [of() for of in paper.cycles]
            assert len(left) == 3
            assert left[:-1] == [None, None], "the connection has the last one only"
    finally:
        gc.enable()
