"""What waits beside a day's run: a webhook and a link to sign in, while the whole worker bills and mails receipts."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import psutil
import psycopg
from aiosmtpd.smtp import Envelope

from billing.container import Services
from billing.platform.actors import WORKER
from billing.readers.sign_in import mail_link_after_card
from tests.bench.crowd import AT, make_due, webhooks_arrive
from tests.bench.day_work import services_of
from tests.bench.figures import Figure
from tests.support.fake_smtp import FakeSmtp
from tests.support.polling import until

PART = "day"
ROOT = Path(__file__).parents[2]
IDLE_PROBES = 10
LEAST_PROBES = 5
MAILS = 100
BOUND = "the worker's look once a second, and its one interpreter, which the queues share; each queue has a thread and connections"


MAIL_BOUND = "a worker sends one mail after the other: its CPU (the PDF of the tax invoice), three commits, and the relay's answer"


class _Sink(FakeSmtp):
    """Takes mails and keeps none, as a run's receipts are many."""

    def take(self, envelope: Envelope) -> str:
        """Accept a mail."""
        self.texts.clear()
        return "250 2.0.0 taken"


@dataclass
class _Waits:
    """The seconds until each was done."""

    webhooks: list[float] = field(default_factory=list)
    links: list[float] = field(default_factory=list)


def beside_figures(url: str, due: int) -> list[Figure]:
    """Send a webhook and ask for a link again and again: first while nothing is due, then during a run."""
    with _Sink() as sink:
        services = services_of(url, sink.url)
        _empty_outbox(url)
        with _worker(url, sink.url) as process:
            idle = _waits(services, url, lambda done: done >= IDLE_PROBES)
            make_due(url, due)
            busy = _waits(services, url, lambda done: done >= LEAST_PROBES and not _due(url))
            beside, memory = _receipts(url), process.memory_info().rss / 2**20
            alone = _mail_alone(url, process)
        services.database.close()
    return [
        *_figures("a webhook settled", busy.webhooks, idle.webhooks, BOUND),
        *_figures("a sign-in link mailed", busy.links, idle.links),
        Figure(PART, f"receipts mailed beside {due:,} renewals", beside, "mails"),
        Figure(PART, "memory of the whole worker after it", memory, "MB"),
        *alone,
    ]


def _figures(what: str, busy: list[float], idle: list[float], bound: str = "") -> list[Figure]:
    return [
        Figure(
            PART,
            f"{what}, median of {len(busy)}",
            median(busy),
            "s",
            median(idle),
            "nothing due",
            bound=bound,
        ),
        Figure(PART, f"{what}, longest", max(busy), "s", max(idle), "nothing due"),
    ]


def _waits(services: Services, url: str, enough: Callable[[int], bool]) -> _Waits:
    waits = _Waits()
    while not enough(len(waits.links)):
        name = f"{time.monotonic_ns()}"
        waits.webhooks.append(_until_settled(url, name))
        waits.links.append(_until_mailed(services, url, f"reader-{name}@example.com"))
    return waits


def _until_settled(url: str, name: str) -> float:
    """Store an event of a charge that is recorded. It could come at any moment of the worker's second."""
    webhooks_arrive(url, name, 1)
    with psycopg.connect(url, autocommit=True) as connection:
        query = "SELECT 1 FROM inbound_event WHERE starts_with(id, %s) AND settled_at IS NOT NULL"
        return _took(connection, query, f"hook_{name}")


def _until_mailed(services: Services, url: str, email: str) -> float:
    with services.database.begin(services.site, AT, WORKER) as ctx:
        mail_link_after_card(ctx, email, "a browser of the benchmark")
    with psycopg.connect(url, autocommit=True) as connection:
        return _took(connection, "SELECT 1 FROM message WHERE recipient = %s AND state = 'accepted'", email)


def _took(connection: psycopg.Connection, query: str, name: str) -> float:
    began = time.monotonic()
    until(lambda: connection.execute(query.encode(), [name]).fetchone(), "the worker")
    return time.monotonic() - began


def _mail_alone(url: str, process: psutil.Process) -> list[Figure]:
    """Receipts a second with no run beside them, and CPU milliseconds for each. Nothing where all were mailed beside the run."""
    began, before, used = time.monotonic(), _receipts(url), _cpu(process)
    waiting = _queued(url)
    if not waiting:
        return []
    wanted = before + min(waiting, MAILS)
    until(lambda: _receipts(url) >= wanted, "the receipts")
    mailed = _receipts(url) - before
    seconds, cpu = time.monotonic() - began, _cpu(process) - used
    return [
        Figure(PART, "receipts mailed after it", mailed / seconds, "a second", bound=MAIL_BOUND),
        Figure(PART, "receipts mailed after it, CPU of the worker", cpu / mailed * 1000, "ms each"),
    ]


def _cpu(process: psutil.Process) -> float:
    used = process.cpu_times()
    return float(used.user + used.system)


def _queued(url: str) -> int:
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT count(*) FROM message WHERE state = 'queued'").fetchone()
    return row[0] if row else 0


def _empty_outbox(url: str) -> None:
    """Take what earlier parts left in the outbox as mailed."""
    with psycopg.connect(url) as connection:
        connection.execute(
            "UPDATE message SET state = 'accepted', accepted_at = %s WHERE state = 'queued'", [AT]
        )


def _due(url: str) -> bool:
    with psycopg.connect(url) as connection:
        query = "SELECT 1 FROM subscription WHERE next_action_at <= %s LIMIT 1"
        return connection.execute(query, [AT]).fetchone() is not None


def _receipts(url: str) -> int:
    with psycopg.connect(url) as connection:
        query = "SELECT count(*) FROM message WHERE kind = 'receipt' AND state = 'accepted' AND tries > 0 AND created_at = %s"
        row = connection.execute(query, [AT]).fetchone()
    return row[0] if row else 0


@contextmanager
def _worker(url: str, smtp_url: str) -> Iterator[psutil.Process]:
    """A worker with all its queues, that has begun to look."""
    command = [sys.executable, "-m", "tests.bench.day_work", url, "worker", smtp_url]
    process = subprocess.Popen(command, cwd=ROOT, env=os.environ)
    try:
        until(lambda: _beats(url), "the worker's heartbeat")
        yield psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait()


def _beats(url: str) -> bool:
    with psycopg.connect(url) as connection:
        return connection.execute("SELECT 1 FROM worker_heartbeat").fetchone() is not None
