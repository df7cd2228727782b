"""Raw requests: wrong lengths, methods that repeat, and files that aren't served."""

import socket
from urllib.parse import urlsplit

import httpx
import pytest

from tests.support.routes import routes
from tests.support.two_readers import PAYING, TwoReaders
from tests.support.world import World

HIDDEN = b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
"""What a smuggler hides in a body, to have it taken for the next person's request."""
TWO_LENGTHS = {
    "both a length and chunks": b"Content-Length: 6\r\nTransfer-Encoding: chunked\r\n",
    "chunks, then a length": b"Transfer-Encoding: chunked\r\nContent-Length: 6\r\n",
    "two lengths": b"Content-Length: 0\r\nContent-Length: 37\r\n",
    "a length that is a list": b"Content-Length: 0, 37\r\n",
    "chunks under a name with a space": b"Content-Length: 6\r\nTransfer-Encoding : chunked\r\n",
    "chunks that aren't the last coding": b"Content-Length: 6\r\nTransfer-Encoding: chunked, identity\r\n",
    "a folded header": b"Content-Length: 6\r\nTransfer-Encoding:\r\n chunked\r\n",
    "a length with a sign": b"Content-Length: +0\r\n",
    "a length below zero": b"Content-Length: -1\r\n",
}


def exchange(world: World, sent: bytes) -> bytes:
    """All that a connection answers to these bytes, until the server hangs up."""
    parts = urlsplit(world.url)
    with socket.create_connection((str(parts.hostname), int(parts.port or 0)), timeout=20) as line:
        line.sendall(sent)
        answer = b""
        while piece := line.recv(65536):
            answer += piece
    return answer


@pytest.mark.parametrize("headers", TWO_LENGTHS.values(), ids=TWO_LENGTHS)
def test_a_request_that_ends_in_two_places_hides_no_other(world: World, headers: bytes) -> None:
    """A proxy in front may see the other end. It is refused, and the connection ends without reading the rest."""
    sent = b"POST /sign-in HTTP/1.1\r\nHost: x\r\n" + headers + b"\r\n0\r\n\r\n" + HIDDEN
    answer = exchange(world, sent)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert answer.count(b"HTTP/1.1 ") == 1


def test_one_after_the_other_are_both_answered(world: World) -> None:
    """The answers that the test above would see if a request were smuggled."""
    sent = b"POST /sign-in HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n" + HIDDEN
    answer = exchange(world, sent)
    assert b'{"status":"ok"}' in answer
    assert answer.count(b"HTTP/1.1 ") == 2


@pytest.mark.parametrize("method", ["TRACE", "TRACK", "CONNECT", "DEBUG", "PROPFIND"])
def test_a_method_that_repeats_or_tunnels_is_refused(world: World, method: str) -> None:
    for path in ("/", "/account", "/v1/access/none", "/static/site.css"):
        answer = exchange(
            world,
            f"{method} {path} HTTP/1.1\r\nHost: x\r\nCookie: a=secret\r\nConnection: close\r\n\r\n".encode(),
        )
        assert answer.split(b" ", 2)[1] in (b"400", b"404", b"405", b"501"), path
        assert b"secret" not in answer


@pytest.mark.parametrize(
    "path",
    [
        "/.git/config",
        "/.git/HEAD",
        "/.env",
        "/.svn/entries",
        "/static/",
        "/static",
        "/static/.git/config",
        "/billing/platform/settings.py",
        "/pyproject.toml",
        "/requirements.lock",
        "/docs",
        "/redoc",
        "/server-status",
        "/debug",
    ],
)
def test_neither_source_nor_a_listing_nor_a_console_is_served(world: World, path: str) -> None:
    answer = httpx.get(world.url + path, trust_env=False)
    assert answer.status_code in (404, 405)


def test_every_body_says_what_it_is_and_every_text_its_letters(readers: TwoReaders) -> None:
    """ASVS 4.1.1. JSON is UTF-8 by definition (RFC 8259) and has no charset."""
    others = ("/json", "+json", "/pdf", "/ogg", "/png", "/x-icon")
    wrong = []
    for route in routes(readers.world):
        path = route.at(**readers.names[PAYING], token="x.y")
        answer = readers.payer.http.request(route.method, path, follow_redirects=False)
        kind = answer.headers.get("content-type", "")
        is_text = kind.startswith(("text/", "application/")) and kind.endswith("; charset=utf-8")
        if answer.content and not (is_text or kind.endswith(others)):
            wrong.append(f"{route}: {answer.status_code} {kind or 'says nothing'}")
    assert wrong == []


def test_a_parameter_that_is_named_twice_is_the_last_one_in_memory_and_framework(world: World) -> None:
    """The cache and the framework read an address alike, so neither checks what the other ignores (ASVS 15.3.7)."""
    known = world.start_trial("thandi@example.com")["reader"]["id"]
    article = world.articles["subscriber"][0]
    for path in (f"/v1/access/{article}", f"/v1/gate/{article}"):
        for names, opens in (((known, "rdr_none"), False), (("rdr_none", known), True)):
            query = "&".join(f"reader_id={name}" for name in names)
            for more in ("", "&prefetch=1"):  # with it, the framework answers
                answer = world.api.get(f"{path}?{query}{more}")
                allowed = answer.status_code == 204 or (
                    answer.status_code == 200 and answer.json().get("allowed", False)
                )
                assert allowed is opens, (path, names, more)
