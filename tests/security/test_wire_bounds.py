"""Bytes that never end, come slowly, or come on too many connections: the server that `billing serve` runs bounds them all."""

import asyncio
import json
import socket
from collections.abc import Iterator
from contextlib import suppress
from typing import cast

import httpx
import pytest
from starlette.types import Receive, Scope, Send

from billing.web.bounded_http import BoundedProtocol, HttpLimits
from billing.web.serve import server
from tests.support.polling import until
from tests.support.stepped_loop import SteppedServer, stepped
from tests.support.world import World

MEGABYTE = 2**20
HOST = b"Host: 127.0.0.1\r\n"
LIMITS = HttpLimits(connections=20, from_one_address=8)


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Reads the body on `/read`, answers without end on `/flood`, and at once with four bytes elsewhere."""
    if scope["type"] != "http":
        return
    more = scope["path"] == "/read"
    while more:
        message = await receive()
        more = message.get("more_body", False)
    flood = scope["path"] == "/flood"
    length = [] if flood else [(b"content-length", b"4")]
    await send({"type": "http.response.start", "status": 200, "headers": length})
    while flood:
        await send({"type": "http.response.body", "body": b"x" * 2**16, "more_body": True})
        await asyncio.sleep(0)
    await send({"type": "http.response.body", "body": b"here"})


@pytest.fixture
def serving() -> Iterator[SteppedServer]:
    """The product's server, around four bytes."""
    with stepped(server(echo, limits=LIMITS)) as running:
        yield running


def pour(connection: socket.socket, start: bytes, piece: bytes, most: int = 16 * MEGABYTE) -> int:
    """Send without end; how many bytes the server took before it ended the connection, `most` if it never did."""
    connection.sendall(start)
    sent = len(start)
    with suppress(ConnectionError):
        while sent < most:
            sent += connection.send(piece)
    return sent


def heard(connection: socket.socket) -> bytes:
    """All that comes until the server ends the connection."""
    parts = []
    with suppress(ConnectionError):
        while part := connection.recv(65536):
            parts.append(part)
    return b"".join(parts)


def status_of(answer: bytes) -> int:
    """Of the first answer in these bytes."""
    return int(answer.split(b" ", 2)[1])


def ask(connection: socket.socket, head: bytes = b"GET / HTTP/1.1\r\n" + HOST + b"\r\n") -> bytes:
    """One request and its answer, on a connection that goes on."""
    connection.sendall(head)
    got = b""
    while not got.endswith(b"here"):
        part = connection.recv(65536)
        assert part, f"the connection ended after {got!r}"
        got += part
    return got


ENDLESS: dict[str, tuple[bytes, bytes]] = {
    "one header": (b"GET / HTTP/1.1\r\n" + HOST + b"X-Long: ", b"a" * 65536),
    "a header's name": (b"GET / HTTP/1.1\r\n" + HOST, b"a" * 65536),
    "headers": (b"GET / HTTP/1.1\r\n" + HOST, b"X-Many: 1\r\n" * 4096),
    "an address": (b"GET /", b"a" * 65536),
    "trailers": (
        b"POST /read HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n0\r\n",
        b"X-Many: 1\r\n" * 4096,
    ),
    "one trailer": (
        b"POST /read HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n0\r\nX-Long: ",
        b"a" * 65536,
    ),
    "a chunk's extension": (
        b"POST /read HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n1;a=",
        b"a" * 65536,
    ),
    "tiny chunks": (
        b"POST /read HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n",
        b"1\r\na\r\n" * 8192,
    ),
    "requests behind one another": (b"", b"POST /read HTTP/1.1\r\nContent-Length: 9\r\n\r\n" * 2048),
}


@pytest.mark.parametrize("what", ENDLESS)
def test_what_never_ends_is_ended(serving: SteppedServer, what: str) -> None:
    start, piece = ENDLESS[what]
    with serving.connect() as connection:
        # besides what the server read, the kernel holds a few megabytes of a connection
        assert pour(connection, start, piece, 64 * MEGABYTE) < 16 * MEGABYTE
    with serving.connect() as other:
        assert b"200 OK" in ask(other)


@pytest.mark.parametrize(
    ("head", "status", "code"),
    [
        (b"GET / HTTP/1.1\r\nX-Long: " + b"a" * 40_000 + b"\r\n\r\n", 431, "headers_too_large"),
        (b"GET / HTTP/1.1\r\n" + b"X-Many: 1\r\n" * 101 + b"\r\n", 431, "headers_too_large"),
        (b"GET /" + b"a" * 9_000 + b" HTTP/1.1\r\n\r\n", 414, "address_too_long"),
        (b"GET / NOTHING\r\n\r\n", 400, "malformed"),
    ],
)
def test_a_head_beyond_a_bound_is_refused_by_name(
    serving: SteppedServer, head: bytes, status: int, code: str
) -> None:
    with serving.connect() as connection:
        connection.sendall(head)
        answer = heard(connection)
        assert status_of(answer) == status
        assert b"connection: close" in answer.lower()
        assert json.loads(answer.partition(b"\r\n\r\n")[2])["code"] == code


@pytest.mark.parametrize("pieces", [1, 7, 1000])
def test_a_head_within_the_bounds_is_read_however_it_is_cut(serving: SteppedServer, pieces: int) -> None:
    head = b"GET /" + b"a" * 7_000 + b" HTTP/1.1\r\n" + b"X-Long: " + b"a" * 20_000 + b"\r\n"
    head += b"X-Many: 1\r\n" * 90 + b"\r\n"
    step = len(head) // pieces + 1
    with serving.connect() as connection:
        for at in range(0, len(head), step):
            connection.sendall(head[at : at + step])
        assert b"200 OK" in ask(connection, b"")
        assert b"200 OK" in ask(connection), "and the connection serves the next request"


def test_a_bodys_bytes_behind_a_heads_end_are_no_head(serving: SteppedServer) -> None:
    head = b"POST /read HTTP/1.1\r\n" + HOST + b"Content-Length: 200000\r\n\r\n"
    with serving.connect() as connection:
        connection.sendall(head[:30])
        serving.step(0)
        assert b"200 OK" in ask(connection, head[30:] + b"a" * 200_000)


@pytest.mark.parametrize("sent", [b"", b"\r\n", b"\r\n\r\n\r\n"])
def test_a_connection_that_asks_nothing_is_closed(serving: SteppedServer, sent: bytes) -> None:
    with serving.connect() as connection:
        connection.sendall(sent)
        serving.step(14)
        if sent:
            connection.sendall(b"\r\n")  # which begins nothing, and wins no time
        serving.step(2)
        assert heard(connection) == b""


def test_a_head_that_comes_slowly_is_refused_in_time(serving: SteppedServer) -> None:
    with serving.connect() as connection:
        connection.sendall(b"GET / HTTP/1.1\r\n")
        for _ in range(7):
            serving.step(2)
            connection.sendall(b"X-Slow: 1\r\n")
        serving.step(2)
        assert status_of(heard(connection)) == 408


def test_a_body_that_comes_slowly_is_refused_in_time(serving: SteppedServer) -> None:
    with serving.connect() as connection:
        connection.sendall(b"POST /read HTTP/1.1\r\n" + HOST + b"Content-Length: 99\r\n\r\n")
        for _ in range(7):
            serving.step(10)
            connection.sendall(b"a")
        serving.step(10)
        assert status_of(heard(connection)) == 408


def test_the_rest_of_a_body_that_is_not_wanted_is_waited_for_briefly(serving: SteppedServer) -> None:
    with serving.connect() as connection, serving.connect() as quick:
        for each in (connection, quick):
            assert b"200 OK" in ask(each, b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 9\r\n\r\nhal")
        quick.sendall(b"f a bo")
        assert b"200 OK" in ask(quick), "what comes in time leaves the connection in use"
        serving.step(3)
        assert heard(connection) == b""
        assert b"200 OK" in ask(quick)


def test_a_connection_in_use_is_kept_longer_than_proxies_keep_theirs(serving: SteppedServer) -> None:
    with serving.connect() as connection:
        for _ in range(3):
            assert b"200 OK" in ask(connection)
            serving.step(70)
        assert b"200 OK" in ask(connection)
        connection.sendall(b"\r\n")
        serving.step(16)
        assert heard(connection) == b"", "a line break keeps nothing open"


def test_an_answer_that_is_not_read_is_given_up(serving: SteppedServer) -> None:
    with serving.connect() as connection:
        connection.sendall(b"GET /flood HTTP/1.1\r\n" + HOST + b"\r\n")
        protocols = cast("set[BoundedProtocol]", serving.server.server_state.connections)
        until(lambda: any(each.flow.write_paused for each in list(protocols)), "a full buffer")
        serving.step(61)
        until(lambda: not protocols, "the end of the connection")


def test_one_address_has_part_of_the_connections(serving: SteppedServer) -> None:
    held = [serving.connect("127.0.0.2") for _ in range(8)]
    for each in held:
        assert b"200 OK" in ask(each)
    with serving.connect("127.0.0.2") as refused, serving.connect() as other:
        assert status_of(heard(refused)) == 503
        assert b"200 OK" in ask(other)
    held.pop().close()
    until(lambda: len(serving.server.server_state.connections) == 7, "the end of a connection")
    with serving.connect("127.0.0.2") as admitted:
        assert b"200 OK" in ask(admitted)
    for each in held:
        each.close()


@pytest.mark.parametrize("sent", [b"", b"GET / HTTP/1.1\r\nX-Slow: "])
def test_silent_connections_make_room_for_others(serving: SteppedServer, sent: bytes) -> None:
    held = [serving.connect(f"127.0.0.{2 + n // 8}") for n in range(20)]
    for each in held:
        each.sendall(sent)
    serving.step(0)
    for _ in range(3):
        with serving.connect() as other:
            assert b"200 OK" in ask(other)
    assert heard(held[0]) == b"", "the longest silent one went"
    for each in held:
        each.close()


def test_behind_a_proxy_its_address_may_have_all_connections() -> None:
    with stepped(server(echo, behind_proxy=True, limits=LIMITS)) as running:
        held = [running.connect() for _ in range(20)]
        for each in held:
            assert b"200 OK" in ask(each)
            each.close()


def test_an_upgrade_is_answered_as_if_it_had_not_been_asked_for(serving: SteppedServer) -> None:
    upgrade = (
        b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: a\r\nSec-WebSocket-Version: 13\r\n"
    )
    with serving.connect() as connection:
        assert b"200 OK" in ask(connection, b"GET / HTTP/1.1\r\n" + HOST + upgrade + b"\r\n")


def test_no_second_answer_precedes_the_first(serving: SteppedServer) -> None:
    """A refusal in between would be taken for the answer to another request."""
    with serving.connect() as connection:
        first = b"POST /read HTTP/1.1\r\n" + HOST + b"Content-Length: 4\r\n\r\n"
        connection.sendall(first + b"abcd" + b"GET / HTTP/1.1\r\nX-Long: " + b"a" * 40_000 + b"\r\n\r\n")
        assert status_of(heard(connection) or b"- 200 -") == 200


@pytest.mark.parametrize("path", ["/", "/v1/access/art_none", "/healthz"])
def test_the_whole_product_refuses_a_large_header(world: World, path: str) -> None:
    address = httpx.URL(world.url)
    with socket.create_connection((address.host, address.port or 80)) as connection:
        connection.sendall(
            f"GET {path} HTTP/1.1\r\nHost: {address.host}\r\nCookie: {'a' * 40_000}\r\n\r\n".encode()
        )
        assert status_of(heard(connection)) == 431
