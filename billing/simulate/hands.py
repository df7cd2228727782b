"""The processes that do the work: workers that look when they are told to, and the web process. Each is forked from one that
has read the program already, so that a worker that was killed is replaced at once."""

import logging
import os
import signal
import socket
import threading
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from multiprocessing.connection import Connection

from billing import stop_points
from billing.app import build, create_app
from billing.settings import read_settings
from billing.timetable import tick


@dataclass(frozen=True, slots=True)
class Look:
    """What one look of a worker found: how much was done, when the next thing is due, and what its log complained of."""

    done: int
    due: datetime | None
    complaints: tuple[str, ...] = ()
    errors: tuple[tuple[str, int], ...] = ()


class Listener(logging.Handler):
    """Keeps what the log says went wrong: how often each thing was said, and the first tracebacks in full."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.said: Counter[str] = Counter()
        self.tracebacks: list[str] = []
        self.setFormatter(logging.Formatter("%(name)s: %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        """Count it."""
        self.said[f"{record.name}: {record.msg}"] += 1
        if record.exc_info and len(self.tracebacks) < 5:
            self.tracebacks.append(self.format(record))

    def take(self) -> tuple[tuple[str, ...], tuple[tuple[str, int], ...]]:
        """What was kept since the last time."""
        taken = tuple(self.tracebacks), tuple(self.said.items())
        self.tracebacks.clear()
        self.said.clear()
        return taken


def work(line: Connection, environment: dict[str, str], stop_at: str | None) -> None:
    """Look at everything each time a word comes on `line`. `stop_at` names the stop point at which this process dies."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # it ends with the line, whoever is interrupted
    listener = _listen()
    parts = build(read_settings(environment))
    if stop_at is not None:
        stop_points.arm(stop_at, environment["BILLING_ENVIRONMENT"])
    while _heard(line):
        seen: dict[str, datetime] = {}
        done = tick(parts, seen=seen)
        line.send(Look(done, min(seen.values(), default=None), *listener.take()))
    os._exit(0)


def web(line: Connection, environment: dict[str, str], listener: socket.socket) -> None:
    """Answer requests until the other end of `line` goes away."""
    import uvicorn

    _listen()
    config = uvicorn.Config(
        create_app(build(read_settings(environment))),
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=2,
    )
    server = uvicorn.Server(config)

    def watch() -> None:
        while _heard(line):
            line.send(None)
        server.should_exit = True

    threading.Thread(target=watch, daemon=True).start()
    server.run(sockets=[listener])
    os._exit(0)


def _listen() -> Listener:
    listener = Listener()
    logging.basicConfig(level=logging.WARNING, handlers=[listener], force=True)
    return listener


def _heard(line: Connection) -> bool:
    try:
        line.recv()
    except (EOFError, OSError):
        return False
    return True
