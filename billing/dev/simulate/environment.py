"""A whole simulated installation, started in a temporary folder and removed at the end."""

import contextlib
import json
import multiprocessing
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from datetime import datetime
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlencode

import httpx
import sqlalchemy as sa

from billing.acquirer.stripe.events import SIGNALS
from billing.app import build
from billing.container import Services
from billing.dev import time_travel
from billing.dev.postgres import Embedded
from billing.dev.process_guard import ProcessGuard
from billing.dev.simulate import worker_processes
from billing.platform import installation, list_key, migrate
from billing.platform.actors import WORKER
from billing.platform.db import Database
from billing.platform.errors import RefusesToStart
from billing.platform.settings import read_settings
from billing.rules.ceilings import ENDLESS
from billing.rules.scopes import SCOPES
from billing.staff.api_keys import create
from billing.subscriptions import first_plans

HOST = "127.0.0.1"
WEBS = 2
"""Web processes that share one address."""
WORKERS = 2
PATIENCE_SECONDS = 120


class NotEmpty(RefusesToStart):
    """A simulation needs an empty database: the one of BILLING_DATABASE_URL has tables already."""


class WorkerProcess:
    """A forked process of the installation, and the connection to it."""

    def __init__(self, process: BaseProcess, connection: Connection) -> None:
        self.process = process
        self.connection = connection

    def send(self, word: str = "") -> None:
        """Send it a word."""
        with contextlib.suppress(OSError):
            self.connection.send(word)

    def receive(self) -> Any:
        """Wait for its answer; None if it died."""
        try:
            return self.connection.recv()
        except (EOFError, OSError):
            self.process.join()
            return None

    def end(self) -> None:
        """Close the connection, which ends it; kill it if it doesn't end."""
        self.connection.close()
        self.process.join(timeout=5)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()


class PythonProgram:
    """A Python program as a process, with its stdin and stdout."""

    def __init__(self, module: str, arguments: Sequence[str], guard: ProcessGuard, log: Path) -> None:
        self._log = log
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("BILLING_")}
        with log.open("wb") as errors:
            self._child = subprocess.Popen(
                [sys.executable, "-m", module, *arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                env=inherited,
                start_new_session=True,
                preexec_fn=guard.preexec(),
            )

    def write_line(self, word: str) -> None:
        """Send it a line."""
        assert self._child.stdin is not None
        self._child.stdin.write(f"{word}\n".encode())
        self._child.stdin.flush()

    def read_line(self) -> str:
        """Its next line. Raises RefusesToStart with the end of its log if there is none."""
        assert self._child.stdout is not None
        line = self._child.stdout.readline().decode()
        if not line:
            raise RefusesToStart(f"A part of the simulation doesn't run: {self._log.read_text()[-500:]}")
        return line

    def end(self) -> None:
        """Terminate it, and kill it if it doesn't end."""
        self._child.terminate()
        try:
            self._child.communicate(timeout=10)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.communicate()


class SimulatedInstallation:
    """Use it with `with`. `services` are those of this process; worker and web processes have their own."""

    def __init__(
        self, at: datetime, seed_number: int, mail_fault_rate: float, record: Path | None = None
    ) -> None:
        self._at, self._seed, self._mail_fault_rate = at, seed_number, mail_fault_rate
        self._recording = ("--record", str(record)) if record else ()
        self._ends = contextlib.ExitStack()
        self.workers: list[WorkerProcess] = []

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self._ends.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._ends.close()

    def _start(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="masthead-simulate-"))
        self._ends.callback(shutil.rmtree, self.folder, ignore_errors=True)
        self._guard = self._ends.enter_context(ProcessGuard())
        self._guard.remove_on_exit(self.folder)
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(["billing.dev.simulate.warm_up"])
        database_url = self._database()
        listener = socket.create_server((HOST, 0), backlog=512)
        self.url = f"http://{HOST}:{listener.getsockname()[1]}"
        self.key = f"sk_test_sandbox_{secrets.token_hex(16)}"
        self.sandbox_url = self._program("billing.dev.sandbox", *self._recording).read_line().split()[-1]
        self.relay = self._program(
            "billing.dev.simulate.counting_smtp", str(self._seed), str(self._mail_fault_rate)
        )
        self.environment = self._environment(database_url, json.loads(self.relay.read_line())["port"])
        self.settings = read_settings(self.environment)
        self._prepare()
        for _ in range(WEBS):
            web = self._child(worker_processes.run_web, self.environment, listener)
            self._ends.callback(web.end)
        listener.close()
        for _ in range(WORKERS):
            self.workers.append(self.worker())
        self._ends.callback(self._end_workers)

    def _database(self) -> str:
        given = os.environ.get("BILLING_DATABASE_URL")
        if given is None:
            server = Embedded.start(self.folder / "postgres", durable=False, disposable=True)
            self._ends.callback(server.stop)
            return server.create("masthead")
        database = Database(given)
        with database.transaction() as session:
            if session.execute(sa.text("SELECT to_regclass('alembic_version')")).scalar_one() is not None:
                raise NotEmpty(NotEmpty.__doc__)
        database.close()
        return given

    def _program(self, module: str, *arguments: str) -> "PythonProgram":
        """Start a separate program, which this process doesn't import."""
        program = PythonProgram(module, arguments, self._guard, self.folder / f"{module}.log")
        self._ends.callback(program.end)
        return program

    def _environment(self, database_url: str, smtp_port: int) -> dict[str, str]:
        return {
            "BILLING_ENVIRONMENT": "test",
            "BILLING_CLOCK": "held",
            "BILLING_DATABASE_URL": database_url,
            "BILLING_PUBLIC_URL": self.url,
            "BILLING_SECRET_KEY": secrets.token_urlsafe(48),
            "BILLING_STRIPE_SECRET_KEY": self.key,
            "BILLING_STRIPE_API_BASE": self.sandbox_url,
            "BILLING_STRIPE_WEBHOOK_SECRETS": self._endpoint(),
            "BILLING_SMTP_URL": f"smtp://{HOST}:{smtp_port}",
            "BILLING_MAIL_PAPERS": "false",  # PDFs take 15 ms each, and no promise depends on them
            "BILLING_JOURNAL_DIR": str(self.folder / "journals"),
            "BILLING_PROXY_COUNT": "1",  # each reader has a network address, sent in the proxy's header
            "BILLING_CHARGES_PER_SECOND": "0",  # no rate limit: real seconds would slow down the simulation
            "BILLING_RETURN_POLL_SECONDS": "0",  # no seconds pass on a held clock, so a page may poll at once
        }

    def _endpoint(self) -> str:
        """Register a webhook endpoint for the events that the product settles; return its signing secret."""
        form = urlencode(
            [
                ("url", f"{self.url}/webhooks/stripe"),
                *((f"enabled_events[{n}]", name) for n, name in enumerate(SIGNALS)),
            ]
        )
        answer = httpx.post(
            f"{self.sandbox_url}/v1/webhook_endpoints",
            content=form,
            headers={
                "Authorization": f"Bearer {self.key}",
                "Content-Type": "application/x-www-form-urlencoded",
            },
            trust_env=False,
        ).raise_for_status()
        return str(answer.json()["secret"])

    def _prepare(self) -> None:
        database = Database(self.settings.database_url)
        migrate.upgrade(database)
        with database.transaction() as session:
            installation.claim(session, self.settings)
            list_key.seal_first(session, self.settings)
            first_plans.add(session)
            session.execute(sa.text("INSERT INTO held_time (id, now) VALUES (1, :at)"), {"at": self._at})
        database.close()
        self.services: Services = build(self.settings)
        self._ends.callback(self.services.database.close)
        time_travel.follow(self.services)
        with self.services.database.begin(self.services.site, self._at, WORKER) as ctx:
            key = create(ctx, "simulation", SCOPES, ENDLESS)
        self.api = httpx.Client(
            base_url=self.url,
            headers={"Authorization": f"Bearer {key}"},
            timeout=PATIENCE_SECONDS,
            trust_env=False,
        )
        self.sandbox = httpx.Client(base_url=self.sandbox_url, timeout=PATIENCE_SECONDS, trust_env=False)
        self._ends.callback(self.api.close)
        self._ends.callback(self.sandbox.close)

    def send_to_relay(self, command: str) -> dict[str, int]:
        """Send the mail server a command; return its counts."""
        self.relay.write_line(command)
        return dict(json.loads(self.relay.read_line()))

    def _child(self, do: Any, *arguments: Any) -> WorkerProcess:
        ours, theirs = self._context.Pipe()
        process = self._context.Process(target=do, args=(theirs, *arguments), daemon=True)
        process.start()
        theirs.close()
        return WorkerProcess(process, ours)

    def _end_workers(self) -> None:
        for worker in self.workers:
            worker.end()

    def worker(self) -> WorkerProcess:
        """Start another worker process."""
        return self._child(worker_processes.run_worker, self.environment)
