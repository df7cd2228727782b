"""Requests of readers' browsers and of a publisher's programs, as the bytes that go over the wire."""

import json
from collections.abc import Sequence
from random import Random
from typing import NamedTuple

from tests.bench.readers import secret_of

HEADERS = (
    b"Host: 127.0.0.1\r\nX-Forwarded-For: %b\r\n"
    b"User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0\r\n"
    b"Accept: application/json\r\nAccept-Language: en-ZA,en;q=0.8,af;q=0.5\r\nAccept-Encoding: gzip, deflate, br\r\n"
)
BROWSER = b"masthead-browser=Qm9yZ2VydHMta2xpcC1lbi1zYW5kLTEyMzQ1Njc4OTA"
POST = b"POST /v1/access HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: %d\r\n"


class Browser:
    """A browser, or a program: the headers that it sends, its cookies among them. `waiting`: for how many answers."""

    __slots__ = ("_common", "_cookies", "headers", "waiting")

    def __init__(self, number: int, *cookies: bytes, authorization: bytes = b"") -> None:
        network = f"41.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}".encode()
        self._common = HEADERS % network + authorization
        self._cookies = cookies
        self.headers = self._written()
        self.waiting = 0

    def take_cookie(self, pair: bytes) -> None:
        """Keep a cookie beside those it had; of one name the last."""
        name = pair.partition(b"=")[0]
        self._cookies = (*(one for one in self._cookies if one.partition(b"=")[0] != name), pair)
        self.headers = self._written()

    def _written(self) -> bytes:
        cookies = b"Cookie: %b\r\n" % b"; ".join(self._cookies) if self._cookies else b""
        return self._common + cookies + b"\r\n"


class Ask(NamedTuple):
    """A request, and what its answer must be: a status, and `part` so many `times`. `line`: up to the common headers."""

    line: bytes
    browser: Browser
    part: bytes
    status: bytes = b"200"
    times: int = 1
    body: bytes = b""
    whose: int = -1
    """The number of a reader whose rights change meanwhile: only the asker can tell what was true."""


def signed_in(number: int) -> Browser:
    """The browser of this reader."""
    return Browser(number, BROWSER, b"masthead-session=" + secret_of(number).encode())


class ReaderBrowsers(dict[int, Browser]):
    """Readers' browsers by number. Each is made when it first asks: a million of them would fill a gigabyte."""

    def __missing__(self, number: int) -> Browser:
        browser = self[number] = signed_in(number)
        return browser

    def one_of(self, numbers: Sequence[int], random: Random) -> Browser:
        """The browser of one of these readers."""
        return self[random.choice(numbers)]


def program(key: str) -> Browser:
    """A program with this API key."""
    return Browser(0, authorization=b"Authorization: Bearer %b\r\n" % key.encode())


def access_line(article: str) -> bytes:
    """The first line of a check of one article."""
    return b"GET /v1/access/%b HTTP/1.1\r\n" % article.encode()


def gate_line(article: str) -> bytes:
    """The same for a web server in front of the articles."""
    return b"GET /v1/gate/%b HTTP/1.1\r\n" % article.encode()


TOKEN_LINE = b"GET /v1/access-token HTTP/1.1\r\n"
TOKEN = b'"token_type":"Bearer"'
ALLOWED = b'"allowed":true'


def answer(reason: str, *, allowed: bool) -> bytes:
    """The part of an answer in JSON that tells the decision."""
    return b'"allowed":%b,"reason":"%b"' % (b"true" if allowed else b"false", reason.encode())


def gate_answer(reason: str) -> bytes:
    """The header of the gate's answer that tells the reason."""
    return b"x-access-reason: %b\r\n" % reason.encode()


def many(articles: Sequence[str], browser: Browser, allowed: int, reader: str | None = None) -> Ask:
    """A question about many articles, of which so many are open. `reader`: whom a program names."""
    body = json.dumps({"articles": articles} | ({"reader_id": reader} if reader else {})).encode()
    return Ask(POST % len(body), browser, ALLOWED, times=allowed, body=body)


COUNTED = answer("meter", allowed=True)
USED_UP = answer("meter_used", allowed=False)
SUBSCRIBED = answer("subscription", allowed=True)
REFUSED = answer("subscribe", allowed=False)
GIVEN = answer("gift", allowed=True)
