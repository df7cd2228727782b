"""An attacker process with 200 connections: `attackers.py KIND PORT`. Each connection acts every two seconds until the process is
ended; a closed connection is opened again. `attackers.py neighbour SHARE` only uses this share of a core.

Real attackers have their own machines, so this process runs with low priority."""

import asyncio
import json
import os
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import suppress
from itertools import count
from urllib.parse import urlencode

from billing.platform.tokens import Tokens
from tests.bench.readers import SECRET_KEY

CONNECTIONS = 200
EVERY_SECONDS = 2.0
FORM = "application/x-www-form-urlencoded"
TOKENS = Tokens(SECRET_KEY)


def browser_of(number: int) -> str:
    """The secret in the cookie of this stranger's browser."""
    return f"a-browser-of-a-stranger-{number:020d}"


def setup_of(number: int) -> str:
    """The card setup that this stranger has begun."""
    return f"set_{number:026d}"


def _request(number: int, line: str, body: str = "", kind: str = FORM, network: str = "") -> bytes:
    """A stranger's request, with the proxy header that carries its address."""
    head = [
        f"{line} HTTP/1.1",
        "Host: 127.0.0.1",
        f"X-Forwarded-For: {network or f'196.{number}.25.9'}",
        f"Cookie: masthead-browser={browser_of(number)}",
        "Accept: text/html",
    ]
    if body:
        head += [f"Content-Type: {kind}", f"Content-Length: {len(body)}", "Sec-Fetch-Site: same-origin"]
    return "\r\n".join([*head, "", body]).encode()


def _form(number: int, path: str, network: str = "", **fields: str) -> bytes:
    """A form post of this browser."""
    csrf = TOKENS.token("csrf", TOKENS.digest("browser", browser_of(number))[:32])
    return _request(number, f"POST {path}", urlencode({"csrf": csrf, **fields}), network=network)


def _access(number: int, _: int) -> bytes:
    body = json.dumps({"articles": ["metered-1"] * 500})
    return _request(number, "POST /v1/access", body, "application/json")


def _newsletter(number: int, n: int) -> bytes:
    network = f"2001:db8:1:1::{number * 1000 + n:x}"
    fields = {"newsletter": "first-light", "email": f"s{number}-{n}@example.net"}
    return _form(number, "/newsletters", network, **fields)


def _false_key(number: int, n: int) -> bytes:
    body = json.dumps({"articles": ["metered-1"]})
    asked = _request(number, "POST /v1/access", body, "application/json")
    return asked.replace(b"Accept: text/html", b"Authorization: Bearer mk_%049d" % (number * 1_000_000 + n))


ASKS: Mapping[str, Callable[[int, int], bytes]] = {
    "500 times one metered article": _access,
    "returns from the card page, Stripe slow": lambda number, _: _request(
        number, f"GET /subscribe/back?setup={setup_of(number)}"
    ),
    "asks for a sign-in link": lambda number, n: _form(
        number, "/sign-in", email=f"reader-{number + 200 * n}@example.com"
    ),
    "starts of trials": lambda number, n: _form(number, "/subscribe", email=f"s{number}-{n}@example.net"),
    "newsletter sign-ups from one /64": _newsletter,
    "sitemaps, each with a query of its own": lambda number, n: _request(
        number, f"GET /sitemap.xml?{number}-{n}"
    ),
    "metered reads without a cookie": lambda number, _: _request(number, "GET /v1/access/metered-1").replace(
        b"Cookie: masthead-browser", b"X-None: "
    ),
    "questions with keys that nobody has": _false_key,
}
"""Complete requests, by kind."""
HEAD = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n"
DRIPS: Mapping[str, tuple[bytes, bytes]] = {
    "endless headers": (HEAD + b"X-Long: ", b"a" * 65536),
    "slow headers": (HEAD, b"X-Slow: 1\r\n"),
    "slow bodies": (b"POST /sign-in HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 60000\r\n\r\n", b"a"),
    "silent connections": (b"", b""),
}
"""Endless requests: how they begin, and the data that follows every two seconds. Large data is sent at once."""
KINDS = (*ASKS, *DRIPS)


async def _ask(port: int, number: int, requests: Iterator[bytes]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        while True:
            began = time.monotonic()
            writer.write(next(requests))
            head = await reader.readuntil(b"\r\n\r\n")
            fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:] if b": " in line)
            await reader.readexactly(int(fields.get(b"content-length", b"0")))
            await asyncio.sleep(max(0.0, began + EVERY_SECONDS - time.monotonic()))
    finally:
        writer.close()


async def _drip(port: int, start: bytes, piece: bytes) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(start)
        ended = asyncio.ensure_future(reader.read())
        ended.add_done_callback(
            lambda task: task.cancelled() or task.exception()
        )  # retrieve the exception, so that a reset connection isn't reported
        while not ended.done():
            writer.write(piece)
            await writer.drain()
            if len(piece) < 1000:
                await asyncio.wait([ended], timeout=EVERY_SECONDS)
            else:
                await asyncio.sleep(0)
    finally:
        writer.close()


async def _go_on(number: int, act: Callable[[], Awaitable[None]]) -> None:
    await asyncio.sleep(EVERY_SECONDS * number / CONNECTIONS)
    while True:
        with suppress(OSError, EOFError, asyncio.IncompleteReadError):
            await act()
        await asyncio.sleep(EVERY_SECONDS)


async def _attack(kind: str, port: int) -> None:
    def act(number: int) -> Callable[[], Awaitable[None]]:
        if kind in DRIPS:
            return lambda: _drip(port, *DRIPS[kind])
        requests = (ASKS[kind](number, n) for n in count())
        return lambda: _ask(port, number, requests)

    await asyncio.gather(*(_go_on(number, act(number)) for number in range(CONNECTIONS)))


def _be_a_neighbour(share: float) -> None:
    while True:
        began = time.monotonic()
        while time.monotonic() < began + share / 100:
            pass
        time.sleep((1 - share) / 100)


def main() -> None:
    """`attackers.py KIND PORT`, or `attackers.py neighbour SHARE`."""
    os.nice(19)
    kind, value = sys.argv[1:]
    if kind == "neighbour":
        _be_a_neighbour(min(float(value), 1.0))
    asyncio.run(_attack(kind, int(value)))


if __name__ == "__main__":
    main()
