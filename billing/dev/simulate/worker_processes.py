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

import sqlalchemy as sa

from billing.app import build, create_app
from billing.platform import stop_points
from billing.platform.gc_tuning import freeze_gc
from billing.platform.settings import read_settings
from billing.platform.time_limits import Work
from billing.timetable import tick
from billing.web.kit.serve import server
from emails import MAILS
from emails.compose import inliner, template

CONNECTIONS = 4
"""To the database, that a process keeps: each costs the server some 12 MiB."""


@dataclass(frozen=True, slots=True)
class WorkerReport:
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


def work(line: Connection, environment: dict[str, str]) -> None:
    """Look at everything each time an empty word comes on `line`. Any other is the stop point at which this process is to die."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # it ends with the line, whoever is interrupted
    listener = _listen()
    services = build(read_settings(environment), connections=CONNECTIONS, work=Work.RUN)
    freeze_gc()
    while (word := _heard(line)) is not None:
        if word:
            stop_points.listen(stop_points.kill_at(word))
            continue
        seen: dict[str, datetime] = {}
        done = tick(services, seen=seen)
        line.send(WorkerReport(done, min(seen.values(), default=None), *listener.take()))
    os._exit(0)


def web(line: Connection, environment: dict[str, str], listener: socket.socket) -> None:
    """Answer requests until the other end of `line` goes away."""
    _listen()
    services = build(read_settings(environment), connections=CONNECTIONS, work=Work.REQUEST)
    answering = server(create_app(services))

    def watch() -> None:
        while _heard(line) is not None:
            line.send(None)
        answering.should_exit = True

    threading.Thread(target=watch, daemon=True).start()
    answering.run(sockets=[listener])
    os._exit(0)


def _listen() -> Listener:
    listener = Listener()
    logging.basicConfig(level=logging.WARNING, handlers=[listener], force=True)
    return listener


def _heard(line: Connection) -> str | None:
    """The next word; None when the other end is gone."""
    try:
        return str(line.recv())
    except (EOFError, OSError):
        return None


def warm() -> None:
    """Do once what each process would do first: called where they are forked from."""
    sa.orm.configure_mappers()
    inliner()
    for kind in MAILS:
        for environment in ("plain", "html"):
            template(kind, environment)
    freeze_gc()
