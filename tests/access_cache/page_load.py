"""A client that requests access decisions at a steady rate and records the answers: `python -m tests.access_cache.page_load`.

An answer about a reader whose rights never change is checked at once. Answers about changing readers are recorded with the times of
request and answer; the test compares them with what was committed by then."""

import asyncio
import json
import random
import sys
import time
from collections import deque
from dataclasses import dataclass, field
from statistics import quantiles
from typing import Any
from urllib.parse import urlsplit

import uvloop

from tests.access_cache.serving import cookie

CONNECTIONS = 32
OF_MOVERS = 0.1
"""The share of requests about readers whose rights change."""
STEP = 0.005


@dataclass
class Tally:
    """The answers. Every hundredth latency is kept."""

    asked: int = 0
    failed: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    moving: list[tuple[int, float, float, str]] = field(default_factory=list)
    latencies: list[float] = field(default_factory=list)


class Connection(asyncio.Protocol):
    """One connection with one request at a time."""

    def __init__(self, load: "PageLoad") -> None:
        self.load = load
        self.read = bytearray()
        self.whose = -1
        self.at = 0.0
        self.transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def send(self, whose: int) -> None:
        self.whose, self.at = whose, time.monotonic()
        self.transport.write(self.load.request(whose))

    def data_received(self, data: bytes) -> None:
        self.read += data
        head, found, body = self.read.partition(b"\r\n\r\n")
        if not found:
            return
        length = int(head.lower().split(b"content-length: ", 1)[1].split(b"\r\n", 1)[0])
        if len(body) >= length:
            whose, self.whose, self.read = self.whose, -1, bytearray()
            self.load.answered(self, whose, bytes(head[9:12]), bytes(body))

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.load.is_over:
            self.load.tally.failed.append(f"the connection was cut: {exc}")


class PageLoad:
    """`rate` requests a second, about readers below `still`, who never change, and the `movers` after them. Without a rate it sends as
    fast as answers come."""

    def __init__(self, url: str, still: int, movers: int, rate: float | None) -> None:
        self.host, self.port = urlsplit(url).hostname or "", urlsplit(url).port or 0
        self.still, self.movers, self.rate = still, movers, rate
        self.tally = Tally()
        # Used in turn: the server would close a connection that idles for its keep-alive time.
        self.idle: deque[Connection] = deque()
        self.is_over = False

    def request(self, whose: int) -> bytes:
        return (
            f"GET /v1/access/bridge HTTP/1.1\r\nHost: {self.host}:{self.port}\r\nCookie: {cookie(whose)['cookie']}\r\n\r\n"
        ).encode()

    def draw(self) -> int:
        if self.movers and random.random() < OF_MOVERS:
            return self.still + random.randrange(self.movers)
        return random.randrange(self.still)

    def answered(self, by: Connection, whose: int, status: bytes, body: bytes) -> None:
        tally, now = self.tally, time.monotonic()
        tally.asked += 1
        if tally.asked % 100 == 0:
            tally.latencies.append(now - by.at)
        reason = body.partition(b'"reason":"')[2].partition(b'"')[0].decode()
        if status != b"200":
            tally.failed.append(f"{status.decode()} {body[:200].decode()}")
        elif whose >= self.still:
            tally.moving.append((whose, by.at, now, reason))
        elif reason != "subscription":
            tally.wrong.append(f"{whose}: {reason}")
        if self.rate is None and not self.is_over:
            by.send(self.draw())
        else:
            self.idle.append(by)

    async def run(self, seconds: float) -> dict[str, Any]:
        """Send requests for `seconds`; return the results."""
        loop = asyncio.get_running_loop()
        made = [
            await loop.create_connection(lambda: Connection(self), self.host, self.port)
            for _ in range(CONNECTIONS)
        ]
        self.idle.extend(connection for _, connection in made)
        began = time.monotonic()
        if self.rate is None:
            while self.idle:
                self.idle.popleft().send(self.draw())
            await asyncio.sleep(seconds)
        else:
            await self._pace(self.rate, began, seconds)
        took = time.monotonic() - began
        self.is_over = True
        for _ in range(2000):
            if len(self.idle) == CONNECTIONS:
                break
            await asyncio.sleep(0.01)
        else:
            self.tally.failed.append(f"{CONNECTIONS - len(self.idle)} requests were never answered")
        for transport, _ in made:
            transport.close()
        return self._results(took)

    async def _pace(self, rate: float, began: float, seconds: float) -> None:
        sent = 0
        while (passed := time.monotonic() - began) < seconds:
            for _ in range(min(int(rate * passed) - sent, len(self.idle))):
                self.idle.popleft().send(self.draw())
                sent += 1
            await asyncio.sleep(STEP if int(rate * passed) <= sent else 0)

    def _results(self, took: float) -> dict[str, Any]:
        tally = self.tally
        centiles = quantiles(tally.latencies, n=100) if len(tally.latencies) > 1 else [0.0] * 99
        return {
            "asked": tally.asked,
            "a_second": tally.asked / took,
            "p50_ms": centiles[49] * 1000,
            "p99_ms": centiles[98] * 1000,
            "failed": tally.failed[:20],
            "wrong": tally.wrong[:20],
            "moving": tally.moving,
        }


def main() -> None:
    """`page_load.py URL SECONDS STILL MOVERS [RATE]`."""
    url, seconds, still, movers = sys.argv[1], float(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
    rate = float(sys.argv[5]) if len(sys.argv) > 5 else None
    json.dump(uvloop.run(PageLoad(url, still, movers, rate).run(seconds)), sys.stdout)


if __name__ == "__main__":
    main()
