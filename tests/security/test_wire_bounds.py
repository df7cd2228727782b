"""Endless bytes, slow bytes and too many connections: the server of `billing serve` bounds them all."""

import asyncio
import gc
import json
import re
import socket
import struct
import weakref
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import ClassVar, cast

import httpx
import pytest
from starlette.types import Receive, Scope, Send

from billing.http.at_once import SEND_READY, SendReady
from billing.web.kit.bounded_http import BoundedProtocol, HttpLimits
from billing.web.kit.serve import server
from tests.support.polling import until
from tests.support.stepped_loop import SteppedServer, stepped
from tests.support.world import World

MEGABYTE = 2**20
HOST = b"Host: 127.0.0.1\r\n"
MUCH = b"x" * 32_000
"""More than a narrow connection holds, and less than a transport thinks much."""
HERE = b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n", b"here"
LIMITS = HttpLimits(connections=20, from_one_address=8)


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Reads the body on `/read`, waits on `/slow`, and on `/until-left` for the client to leave. Answers without end on `/flood`, with
    many bytes on `/much`, with fewer than it said on `/broken`, and at once with four elsewhere."""
    if scope["type"] != "http":
        return
    more = scope["path"] == "/read"
    while more:
        message = await receive()
        more = message.get("more_body", False)
    if scope["path"] == "/slow":
        loop = asyncio.get_running_loop()
        later = loop.create_future()
        loop.call_later(80, later.set_result, None)  # seconds of the stepped clock
        await later
    while scope["path"] == "/until-left" and (await receive())["type"] != "http.disconnect":
        pass
    flood, broken = scope["path"] == "/flood", scope["path"] == "/broken"
    answer = MUCH if broken or scope["path"] == "/much" else b"here"
    send_ready: SendReady | None = scope.get(SEND_READY)
    if send_ready is not None and scope["path"] == "/slow" and send_ready(HERE):
        return
    length = [] if flood else [(b"content-length", b"%d" % (len(answer) + broken))]
    await send({"type": "http.response.start", "status": 200, "headers": length})
    while flood:
        await send({"type": "http.response.body", "body": b"x" * 2**16, "more_body": True})
        await asyncio.sleep(0)
    await send({"type": "http.response.body", "body": answer})


class Ready:
    """Has the four bytes in memory."""

    addresses: ClassVar = {b"GET": re.compile(rb"/")}

    def at_once(self, scope: Scope, body: bytes) -> tuple[bytes, bytes]:
        return HERE

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await echo(scope, receive, send)


@pytest.fixture(params=["called", "ready"])
def serving(request: pytest.FixtureRequest) -> Iterator[SteppedServer]:
    """The product's server around four bytes: of an application that is called for them, and of one that has them ready."""
    with stepped(server(echo if request.param == "called" else Ready(), limits=LIMITS)) as running:
        yield running


def narrow(serving: SteppedServer, source: str = "127.0.0.1") -> socket.socket:
    """A connection with a few kilobytes of kernel buffer. The server holds what isn't read."""
    serving.listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    made.bind((source, 0))
    made.connect(serving.address)
    return made


def open_in(serving: SteppedServer) -> list[BoundedProtocol]:
    """The server's connections."""
    return list(cast("set[BoundedProtocol]", serving.server.server_state.connections))


def left_unread(serving: SteppedServer, connections: int) -> bool:
    """Whether so many of them have an answer that their client doesn't read."""
    return sum(each.transport.get_write_buffer_size() > 0 for each in open_in(serving)) == connections


def pour(connection: socket.socket, start: bytes, piece: bytes, most: int = 16 * MEGABYTE) -> int:
    """Send without end. Return the bytes that the server read before it ended the connection, or `most`."""
    connection.sendall(start)
    sent = len(start)
    with suppress(ConnectionError):
        while sent < most:
            sent += connection.send(piece)
    return sent


def answer_bytes(connection: socket.socket) -> bytes:
    """Everything received until the server ends the connection."""
    parts = []
    with suppress(ConnectionError):
        while part := connection.recv(65536):
            parts.append(part)
    return b"".join(parts)


def status_of(answer: bytes) -> int:
    """Of the first answer in these bytes."""
    return int(answer.split(b" ", 2)[1])


def ask(connection: socket.socket, head: bytes = b"GET / HTTP/1.1\r\n" + HOST + b"\r\n") -> bytes:
    """One request and its answer, on a connection that stays open."""
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
        answer = answer_bytes(connection)
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
        assert answer_bytes(connection) == b""


def test_a_head_that_comes_slowly_is_refused_in_time(serving: SteppedServer) -> None:
    with serving.connect() as connection:
        connection.sendall(b"GET / HTTP/1.1\r\n")
        for _ in range(7):
            serving.step(2)
            connection.sendall(b"X-Slow: 1\r\n")
        serving.step(2)
        assert status_of(answer_bytes(connection)) == 408


def test_a_body_that_comes_slowly_is_refused_in_time(serving: SteppedServer) -> None:
    with serving.connect() as connection:
        connection.sendall(b"POST /read HTTP/1.1\r\n" + HOST + b"Content-Length: 99\r\n\r\n")
        for _ in range(7):
            serving.step(10)
            connection.sendall(b"a")
        serving.step(10)
        assert status_of(answer_bytes(connection)) == 408


def test_the_rest_of_a_body_that_is_not_wanted_is_waited_for_briefly(serving: SteppedServer) -> None:
    with serving.connect() as connection, serving.connect() as quick:
        for each in (connection, quick):
            assert b"200 OK" in ask(each, b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 9\r\n\r\nhal")
        quick.sendall(b"f a bo")
        assert b"200 OK" in ask(quick), "what comes in time leaves the connection in use"
        serving.step(3)
        assert answer_bytes(connection) == b""
        assert b"200 OK" in ask(quick)


def test_a_connection_in_use_is_kept_longer_than_proxies_keep_theirs(serving: SteppedServer) -> None:
    with serving.connect() as connection:
        for _ in range(3):
            assert b"200 OK" in ask(connection)
            serving.step(70)
        assert b"200 OK" in ask(connection)
        connection.sendall(b"\r\n")
        serving.step(16)
        assert answer_bytes(connection) == b"", "a line break keeps nothing open"


def test_an_answer_that_is_not_read_is_given_up(serving: SteppedServer) -> None:
    with serving.connect() as connection:
        connection.sendall(b"GET /flood HTTP/1.1\r\n" + HOST + b"\r\n")
        protocols = cast("set[BoundedProtocol]", serving.server.server_state.connections)
        until(lambda: any(each.flow.write_paused for each in list(protocols)), "a full buffer")
        serving.step(61)
        until(lambda: not protocols, "the end of the connection")


def test_a_refused_connection_that_reads_nothing_is_counted_until_it_ends(serving: SteppedServer) -> None:
    held = [narrow(serving, "127.0.0.2") for _ in range(8)]
    for each in held:
        each.sendall(b"GET /much HTTP/1.1\r\n" + HOST + b"\r\n")
    until(lambda: left_unread(serving, 8), "answers that wait for their readers")
    for each in held:
        each.sendall(b"no HTTP\r\n\r\n")
    until(lambda: all(each.transport.is_closing() for each in open_in(serving)), "the refusals")
    with serving.connect("127.0.0.2") as ninth:
        assert status_of(answer_bytes(ninth)) == 503
    serving.step(3)
    assert not open_in(serving)
    with serving.connect("127.0.0.2") as admitted:
        assert b"200 OK" in ask(admitted)
    for each in held:
        each.close()


CLOSE = b"Connection: close\r\n"
CLOSED: dict[str, tuple[bytes, Callable[[SteppedServer, socket.socket], object]]] = {
    "as the client asks": (b"GET /much HTTP/1.1\r\n" + HOST + CLOSE, lambda _serving, _connection: None),
    "as HTTP/1.0 does": (b"GET /much HTTP/1.0\r\n", lambda _serving, _connection: None),
    "in the middle of an answer": (b"GET /broken HTTP/1.1\r\n" + HOST, lambda _serving, _connection: None),
    "by the client's half": (
        b"GET /much HTTP/1.1\r\n" + HOST,
        lambda _serving, connection: connection.shutdown(socket.SHUT_WR),
    ),
    "as the server stops": (
        b"GET /much HTTP/1.1\r\n" + HOST,
        lambda serving, _connection: serving.loop.call_soon_threadsafe(open_in(serving)[0].shutdown),
    ),
}


@pytest.mark.parametrize("how", CLOSED)
def test_a_closed_connection_that_reads_nothing_ends_in_time(serving: SteppedServer, how: str) -> None:
    head, close = CLOSED[how]
    with narrow(serving) as connection:
        connection.sendall(head + b"\r\n")
        until(lambda: left_unread(serving, 1), "an answer that waits for its reader")
        close(serving, connection)
        until(lambda: open_in(serving)[0].transport.is_closing(), "the closing")
        serving.step(59)
        assert open_in(serving), "the client may still read"
        serving.step(2)
        assert not open_in(serving)


def test_an_answer_is_read_to_its_end_after_the_closing(serving: SteppedServer) -> None:
    with narrow(serving) as connection:
        connection.sendall(CLOSED["as the client asks"][0] + b"\r\n")
        until(lambda: left_unread(serving, 1), "an answer that waits for its reader")
        serving.step(59)
        assert answer_bytes(connection).endswith(b"\r\n\r\n" + MUCH)


def test_closed_connections_that_read_nothing_make_room_for_others(serving: SteppedServer) -> None:
    held = [narrow(serving, f"127.0.0.{2 + n // 8}") for n in range(20)]
    for each in held:
        each.sendall(CLOSED["as the client asks"][0] + b"\r\n")
    until(lambda: left_unread(serving, 20), "answers that wait for their readers")
    with serving.connect() as other:
        assert b"200 OK" in ask(other)
    for each in held:
        each.close()


def test_an_address_with_its_part_takes_no_other_ones_place(serving: SteppedServer) -> None:
    held = [serving.connect(f"127.0.0.{2 + n // 8}") for n in range(20)]
    for each in held:
        assert b"200 OK" in ask(each)
    for _ in range(3):
        with serving.connect("127.0.0.3") as refused:
            assert status_of(answer_bytes(refused)) == 503
    for each in held:
        assert b"200 OK" in ask(each)
        each.close()


def test_a_connection_that_is_reset_leaves_nothing_behind(serving: SteppedServer) -> None:
    connection = serving.connect()
    assert b"200 OK" in ask(connection)
    protocol = weakref.ref(open_in(serving)[0])
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()
    until(lambda: not open_in(serving), "the end of the connection")
    until(lambda: gc.collect() >= 0 and protocol() is None, "the end of all that knew it")


@pytest.mark.parametrize("behind", [0, 1, 2])
def test_an_answer_ends_when_its_client_leaves(serving: SteppedServer, behind: int) -> None:
    with serving.connect() as connection:
        first, other = (b"GET " + path + b" HTTP/1.1\r\n" + HOST + b"\r\n" for path in (b"/until-left", b"/"))
        connection.sendall(first + other * behind)
        until(lambda: serving.server.server_state.tasks, "the request")
    until(lambda: not serving.server.server_state.tasks, "the end of the answer")


def test_a_request_behind_an_unwanted_body_may_take_its_time(serving: SteppedServer) -> None:
    with serving.connect() as connection:
        assert b"200 OK" in ask(connection, b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 9\r\n\r\nhal")
        connection.sendall(b"f a bo" + b"GET /slow HTTP/1.1\r\n" + HOST + b"\r\n")
        serving.step(76)
        serving.step(5)
        assert b"200 OK" in ask(connection, b"")


def test_a_refusal_of_head_has_no_body(serving: SteppedServer) -> None:
    with serving.connect() as connection:
        connection.sendall(b"HEAD /" + b"a" * 9_000 + b" HTTP/1.1\r\n\r\n")
        head, _, body = answer_bytes(connection).partition(b"\r\n\r\n")
        assert (status_of(head), body) == (414, b"")


def test_one_address_has_part_of_the_connections(serving: SteppedServer) -> None:
    held = [serving.connect("127.0.0.2") for _ in range(8)]
    for each in held:
        assert b"200 OK" in ask(each)
    with serving.connect("127.0.0.2") as refused, serving.connect() as other:
        assert status_of(answer_bytes(refused)) == 503
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
    assert answer_bytes(held[0]) == b"", "the longest silent one went"
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
    """A refusal sent earlier would be taken for the answer to another request."""
    with serving.connect() as connection:
        first = b"POST /read HTTP/1.1\r\n" + HOST + b"Content-Length: 4\r\n\r\n"
        connection.sendall(first + b"abcd" + b"GET / HTTP/1.1\r\nX-Long: " + b"a" * 40_000 + b"\r\n\r\n")
        assert status_of(answer_bytes(connection) or b"- 200 -") == 200


@pytest.mark.parametrize("path", ["/", "/v1/access/art_none", "/healthz"])
def test_the_whole_product_refuses_a_large_header(world: World, path: str) -> None:
    address = httpx.URL(world.url)
    with socket.create_connection((address.host, address.port or 80)) as connection:
        connection.sendall(
            f"GET {path} HTTP/1.1\r\nHost: {address.host}\r\nCookie: {'a' * 40_000}\r\n\r\n".encode()
        )
        assert status_of(answer_bytes(connection)) == 431
