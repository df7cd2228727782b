"""A fork server: its parent process has imported everything and forks a child for each crash case in milliseconds.

A child works on the world's own database and sandbox. If it survives, it reports the stop points and marks it passed.
Run as `python -m tests.support.fork_server`; orders arrive on stdin, results go to stdout."""

import asyncio
import os
import pickle
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Self

import httpx
import psycopg

from billing.app import build
from billing.container import Services
from billing.dev.demo_app import create_demo_app
from billing.platform import stop_points
from billing.platform.settings import Settings
from billing.timetable import tick
from tests.support.coverage_marks import PASSED
from tests.support.snapshots import WORKER, end_workers

ROOT = Path(__file__).parents[2]
READY = b"ready"

Crash = Callable[..., None]
"""The type of the fixture `crash`: `ForkServer.die` on the test's world."""


@dataclass(frozen=True)
class WireRequest:
    """An HTTP request that can be pickled."""

    method: str
    url: str
    headers: list[tuple[str, str]]
    body: bytes


def on_the_wire(request: httpx.Request) -> WireRequest:
    """Convert an httpx request."""
    return WireRequest(request.method, str(request.url), list(request.headers.items()), request.read())


@dataclass(frozen=True)
class Order:
    """Answer this request, or without one do all due work. Die when the stop point `die_at` is passed for the `time`-th time."""

    request: WireRequest | None
    die_at: str | None = None
    time: int = 1


class ForkServer:
    """Use with `with`, when nothing is due. Only one child runs at a time."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.fork_server"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "BILLING_ENVIRONMENT": "test", "PGAPPNAME": WORKER},
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        _write(self._process.stdin, pickle.dumps(self._settings))
        assert _read(self._process.stdout) == READY, "it did not start"
        self._line = psycopg.connect(self._settings.database_url, autocommit=True)
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(20)
        self._line.close()

    def die(self, at: str, request: httpx.Request | None = None) -> None:
        """Answer the request, or do all due work, in a child that dies when it passes the stop point `at`."""
        order = Order(None if request is None else on_the_wire(request), at)
        assert self.live(order) is None, f"{at} was not passed"

    def live(self, order: Order) -> list[str] | None:
        """Run an order in a child. Return the points it passed, in order; None if it was killed."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        _write(self._process.stdin, pickle.dumps(order))
        code, report = pickle.loads(_read(self._process.stdout))
        assert code in (0, -signal.SIGKILL), f"the child ended with {code}"
        assert (code == 0) == bool(report), "only a child that survives reports"
        if code != 0:
            end_workers(self._line)
            return None
        passed, marks = pickle.loads(report)
        PASSED.update(marks)
        return list(passed)


def _write(to: IO[bytes], what: bytes) -> None:
    to.write(len(what).to_bytes(8, "big") + what)
    to.flush()


def _read(source: IO[bytes]) -> bytes:
    return source.read(int.from_bytes(source.read(8), "big"))


def _serve() -> None:
    """Serve orders until stdin is closed. Compiled statements and routes are warmed up first, for all children. No database
    connection may be open at a fork."""
    services = build(pickle.loads(_read(sys.stdin.buffer)))
    app = create_demo_app(services)
    tick(services)
    asyncio.run(_answer(app, WireRequest("GET", f"{services.settings.public_url}/", [], b"")))
    services.database.close()
    # Ready only now: work that was due earlier was done by the `tick` above, so no child could have died of it.
    _write(sys.stdout.buffer, READY)
    while size := sys.stdin.buffer.read(8):
        order = pickle.loads(sys.stdin.buffer.read(int.from_bytes(size, "big")))
        reads, writes = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(reads)
            _child(services, app, order, writes)
        os.close(writes)
        with os.fdopen(reads, "rb") as source:
            report = source.read()
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        _write(sys.stdout.buffer, pickle.dumps((code, report)))


def _child(services: Services, app: Any, order: Order, writes: int) -> None:
    code = 1
    try:
        passed: list[str] = []
        marks: set[str] = set()
        stop_points.listen(_listener(order, passed))
        stop_points.collect(marks)
        _do(services, app, order.request)
        stop_points.listen(None)
        stop_points.collect(None)
        with os.fdopen(writes, "wb") as target:
            target.write(pickle.dumps((passed, marks)))
        code = 0
    finally:
        sys.stderr.flush()
        os._exit(code)


def _listener(order: Order, passed: list[str]) -> Callable[[str], None]:
    lock = threading.Lock()

    def listen(name: str) -> None:
        with lock:
            passed.append(name)
            if name == order.die_at and passed.count(name) == order.time:
                os.kill(os.getpid(), signal.SIGKILL)

    return listen


def _do(services: Services, app: Any, request: WireRequest | None) -> None:
    if request is None:
        while tick(services):
            pass
    else:
        answer = asyncio.run(_answer(app, request))
        if answer.status_code >= 500:
            print(answer.text[:2000], file=sys.stderr)  # noqa: T201 - it explains why a proof failed
            raise SystemExit


async def _answer(app: Any, request: WireRequest) -> httpx.Response:
    transport = httpx.ASGITransport(app=app, client=("127.0.0.1", 50000))
    async with httpx.AsyncClient(transport=transport) as client:
        return await client.request(
            request.method, request.url, headers=request.headers, content=request.body, follow_redirects=False
        )


if __name__ == "__main__":
    _serve()
