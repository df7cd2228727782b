"""An HTTP client that loads one web process, cheaply enough not to be what is measured: a request costs it some ten microseconds.

It keeps a few connections, one request at a time on each, as a proxy does. It checks each answer: a wrong one ends the benchmark.
"""

import gc
import os
import random
import select
import socket
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import cycle, groupby, islice
from statistics import median
from time import monotonic
from typing import Protocol
from urllib.parse import urlsplit

from tests.bench.requests import Ask

CONNECTIONS = 32
MANY_CONNECTIONS = 128
"""Where readings are written, for a group of cases and its bare server alike: those that arrive together are written together."""
PAGE_CONNECTIONS = 8
"""Where pages are asked for, each of which keeps a thread busy."""
MOST_BYTES = 1 << 16
WAIT_SECONDS = 30.0
"""For an answer; then it counts as missing."""
WINDOW_SECONDS = 0.1
SET_VISITOR = b"set-cookie: masthead-visitor="


class WrongAnswer(RuntimeError):
    """An answer differs from the expected one, or is missing."""


@dataclass(slots=True)
class Answers:
    """What a run brought. Latencies in seconds, from the moment in `since` at which the request should have been sent."""

    count: int = 0
    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    since: list[float] = field(default_factory=list)

    @property
    def a_second(self) -> float:
        """Answers a second."""
        return self.count / self.seconds

    def latency(self, share: float) -> float:
        """Milliseconds within which this share was answered."""
        return 1000 * _within(share, self.latencies) if self.latencies else 0.0

    @property
    def typical_p99(self) -> float:
        """Milliseconds within which 99 of 100 requests of a tenth of a second were answered: the median of all tenths.

        A virtual processor that its host slows down for a moment would decide the p99 of a whole run."""
        windows = groupby(
            sorted(zip(self.since, self.latencies, strict=True)), lambda one: one[0] // WINDOW_SECONDS
        )
        found = [_within(0.99, [latency for _, latency in window]) for _, window in windows]
        return 1000 * median(found) if found else 0.0


def _within(share: float, latencies: Sequence[float]) -> float:
    return sorted(latencies)[min(len(latencies) - 1, int(share * len(latencies)))]


class Check(Protocol):
    """Judges the answer to a request, which was sent and answered at these moments."""

    def __call__(self, ask: Ask, data: bytes, sent: float, answered: float, /) -> bool: ...


def as_expected(ask: Ask, data: bytes, sent: float, answered: float) -> bool:
    """Whether an answer has the expected status, and its expected part so many times."""
    return data.startswith(ask.status, 9) and data.count(ask.part) == ask.times


def is_whole(data: bytes) -> bool:
    """Whether all of an answer has arrived."""
    end = data.find(b"\r\n\r\n")
    if end < 0:
        return False
    at = data.find(b"content-length: ", 0, end + 2)
    if at >= 0:
        return len(data) - end - 4 >= int(data[at + 16 : data.find(b"\r", at)])
    return data.startswith((b"204", b"304"), 9) or data.endswith(b"0\r\n\r\n")  # no body, or chunks


class Connection:
    """One connection. `since`: when the request should have been sent."""

    __slots__ = ("ask", "received", "sent", "since", "socket")

    def __init__(self, host: str, port: int) -> None:
        self.socket = socket.create_connection((host, port), timeout=WAIT_SECONDS)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.ask: Ask | None = None
        self.received = b""
        self.sent = self.since = 0.0

    def send(self, ask: Ask, since: float, now: float) -> None:
        """Send a request."""
        self.ask, self.since, self.sent = ask, since, now
        ask.browser.waiting += 1
        self.socket.sendall(ask.line + ask.browser.headers + ask.body)

    def receive(self) -> bytes:
        """The answer if it is whole, else nothing."""
        data = self.socket.recv(MOST_BYTES)
        if not data:
            raise WrongAnswer(f"the connection was closed: {self.ask and self.ask.line!r}")
        data = self.received + data
        self.received = b"" if is_whole(data) else data
        return b"" if self.received else data


@contextmanager
def _in_background() -> Iterator[None]:
    """Let this process interrupt no other: on few cores each answer would interrupt the measured process (SCHED_BATCH)."""
    before = os.sched_getscheduler(0)
    os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
    try:
        yield
    finally:
        os.sched_setscheduler(0, before, os.sched_param(0))


class LoadClient:
    """Sends requests to one process, or by turns to it and `others`, and checks the answers."""

    def __init__(
        self, url: str, check: Check = as_expected, connections: int = CONNECTIONS, others: Sequence[str] = ()
    ) -> None:
        parts = [urlsplit(each) for each in (url, *others)]
        self.addresses = [(part.hostname or "", part.port or 0) for part in parts]
        self.check = check
        self.connections = connections

    def at_full(self, asks: Iterator[Ask], seconds: float = float("inf")) -> Answers:
        """Send the next request of a connection as soon as its last one is answered, for so long or until none is left."""
        with _in_background(), self._open() as (poll, by_number):
            answers, began = Answers(), monotonic()
            until = began + seconds
            for connection in by_number.values():
                self._send_next(connection, asks)
            while any(connection.ask for connection in by_number.values()):
                for connection in self._answered(poll, by_number, answers, WAIT_SECONDS):
                    if monotonic() < until:
                        self._send_next(connection, asks)
            answers.seconds = monotonic() - began
        return answers

    def at_rate(self, asks: Iterator[Ask], rate: float, seconds: float, seed: int = 1) -> Answers:
        """Send `rate` requests a second, at random moments (a Poisson process), whether or not earlier ones are answered.

        A request that finds no free connection waits for one; the wait is part of its latency."""
        draw = random.Random(seed).expovariate
        with self._open() as (poll, by_number):
            free, answers = deque(by_number.values()), Answers()
            began = due = monotonic()
            until = began + seconds
            while due < until or len(free) < len(by_number):
                now = monotonic()
                while due <= now and due < until and free:
                    free.popleft().send(next(asks), due, now)
                    due += draw(rate)
                wait = max(0.0, due - now) if free and due < until else WAIT_SECONDS
                # `epoll` waits for whole milliseconds; `select` on it for microseconds
                if wait and not select.select([poll], [], [], wait)[0] and wait == WAIT_SECONDS:
                    raise WrongAnswer(f"no answer for {WAIT_SECONDS:.0f} seconds")
                free.extend(self._answered(poll, by_number, answers, 0))
            answers.seconds = monotonic() - began
        return answers

    @contextmanager
    def _open(self) -> Iterator[tuple[select.epoll, dict[int, Connection]]]:
        """Connections for one run. The garbage collector would pause a client of millions of objects."""
        made = [Connection(*address) for address in islice(cycle(self.addresses), self.connections)]
        by_number = {connection.socket.fileno(): connection for connection in made}
        gc.disable()
        try:
            with select.epoll() as poll:
                for number in by_number:
                    poll.register(number, select.EPOLLIN)
                yield poll, by_number
        finally:
            gc.enable()
            for connection in made:
                connection.socket.close()

    def _send_next(self, connection: Connection, asks: Iterator[Ask]) -> None:
        ask = next(asks, None)
        if ask is not None:
            now = monotonic()
            connection.send(ask, now, now)

    def _answered(
        self, poll: select.epoll, by_number: dict[int, Connection], answers: Answers, wait: float
    ) -> Iterator[Connection]:
        """The connections whose answers have arrived within `wait` seconds."""
        ready = poll.poll(wait)
        if wait and not ready:
            raise WrongAnswer(f"no answer for {wait:.0f} seconds")
        for number, _ in ready:
            connection = by_number[number]
            data, ask = connection.receive(), connection.ask
            if not data or ask is None:
                continue
            now = monotonic()
            answers.count += 1
            answers.since.append(connection.since)
            answers.latencies.append(now - connection.since)
            if not self.check(ask, data, connection.sent, now):
                raise WrongAnswer(f"{ask.line!r} expected {ask.times} x {ask.part!r}, got {data[:600]!r}")
            at = data.find(SET_VISITOR)
            if at >= 0:
                ask.browser.take_cookie(data[at + len(b"set-cookie: ") : data.find(b";", at)])
            ask.browser.waiting -= 1
            connection.ask = None
            yield connection
