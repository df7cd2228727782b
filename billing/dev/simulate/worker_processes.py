"""Worker and web processes of a simulation. They are forked from a process that has imported everything, so a killed worker is
replaced at once."""

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
"""Database connections of a process; each costs the server about 12 MiB."""


@dataclass(frozen=True, slots=True)
class WorkerReport:
    """The result of one look: the number of done jobs, when the next is due, and what was logged."""

    done: int
    due: datetime | None
    tracebacks: tuple[str, ...] = ()
    errors: tuple[tuple[str, int], ...] = ()


class LogRecorder(logging.Handler):
    """Counts warnings and errors, and keeps the first tracebacks."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.logged: Counter[str] = Counter()
        self.tracebacks: list[str] = []
        self.setFormatter(logging.Formatter("%(name)s: %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        """Count a record."""
        self.logged[f"{record.name}: {record.msg}"] += 1
        if record.exc_info and len(self.tracebacks) < 5:
            self.tracebacks.append(self.format(record))

    def take(self) -> tuple[tuple[str, ...], tuple[tuple[str, int], ...]]:
        """Tracebacks and counts since the last call."""
        taken = tuple(self.tracebacks), tuple(self.logged.items())
        self.tracebacks.clear()
        self.logged.clear()
        return taken


def run_worker(connection: Connection, environment: dict[str, str]) -> None:
    """Look for due work at each empty word from `connection`. Any other word is the stop point at which this process must die."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # it ends with its connection, not with Ctrl-C
    log_recorder = _record_log()
    services = build(read_settings(environment), connections=CONNECTIONS, work=Work.RUN)
    freeze_gc()
    while (word := _receive(connection)) is not None:
        if word:
            stop_points.listen(stop_points.kill_at(word))
            continue
        seen: dict[str, datetime] = {}
        done = tick(services, seen=seen)
        connection.send(WorkerReport(done, min(seen.values(), default=None), *log_recorder.take()))
    os._exit(0)


def run_web(connection: Connection, environment: dict[str, str], listener: socket.socket) -> None:
    """Answer requests until the other end closes `connection`."""
    _record_log()
    services = build(read_settings(environment), connections=CONNECTIONS, work=Work.REQUEST)
    answering = server(create_app(services))

    def watch() -> None:
        while _receive(connection) is not None:
            connection.send(None)
        answering.should_exit = True

    threading.Thread(target=watch, daemon=True).start()
    answering.run(sockets=[listener])
    os._exit(0)


def _record_log() -> LogRecorder:
    recorder = LogRecorder()
    logging.basicConfig(level=logging.WARNING, handlers=[recorder], force=True)
    return recorder


def _receive(connection: Connection) -> str | None:
    """The next word; None if the other end is closed."""
    try:
        return str(connection.recv())
    except (EOFError, OSError):
        return None


def warm_up() -> None:
    """Do once, in the process that forks, what each process would do first."""
    sa.orm.configure_mappers()
    inliner()
    for kind in MAILS:
        for environment in ("plain", "html"):
            template(kind, environment)
    freeze_gc()
