"""The launcher behind `billing demo`: it starts all parts in order and reports."""

import contextlib
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

from billing.dev.demo.children import AskedToStop, Child, Children
from billing.dev.demo.folder import LOOPBACK, DemoFolder, Kept, free_port, read_port
from billing.dev.demo.ready import answers, greets, works
from billing.dev.demo.stop_signal import StopSignal
from billing.dev.demo.welcome import welcome
from billing.dev.postgres import Embedded
from billing.dev.process_guard import ProcessGuard
from billing.platform.errors import RefusesToStart
from billing.platform.settings import Settings

DATABASE = "masthead"
CLI = (sys.executable, "-m", "billing.cli")


def run(port: int | str, data: Path, record: Path | None = None, name: str = LOOPBACK) -> int:
    """Run the demo on `port` (0: any free one) with its folder `data` until it is stopped.

    `name` is this machine's in its addresses: passkeys need `localhost`, as they are bound to a name.
    `record` is a file to which the sandbox writes every exchange with Stripe's API as JSON lines.

    Returns the exit status: 0 when stopped, 1 if it cannot start or a part ended; the reason is on stderr.
    """
    stop = StopSignal()
    stop.listen()
    try:
        with Demo(read_port(port), data, stop, record, name) as demo:
            demo.start()
            demo.watch()
    except AskedToStop:
        _say("Stopped. The data is kept.")
        return 0
    except RefusesToStart as refusal:
        print(f"masthead: {refusal}", file=sys.stderr)
    except OSError as error:
        print(f"masthead: {error}. Is the disk full, or the folder gone?", file=sys.stderr)
    return 1


class Demo:
    """All parts of the demo; leaving the context ends those that were started."""

    def __init__(self, port: int, data: Path, stop: StopSignal, record: Path | None, name: str) -> None:
        self._began = time.monotonic()
        self._stop = stop
        self._record = record
        self._folder = DemoFolder(data)
        self._ends = contextlib.ExitStack()
        self._ends.callback(self._folder.close)
        self._port = free_port(port)
        self._url = f"http://{name}:{self._port}"
        self._postgres: Embedded | None = None

    def __enter__(self) -> "Demo":
        return self

    def __exit__(self, *_: object) -> None:
        self._folder.remove_cards()
        self._ends.close()

    def start(self) -> None:
        """Start everything; return when all parts answer. Raises RefusesToStart, AskedToStop."""
        _say("Starting the database, the sandbox, the mailbox, the pages and the worker ...")
        kept = self._folder.keep()
        guard = self._ends.enter_context(ProcessGuard(self._folder.lock))
        for path in (self._folder.card, self._folder.environment):
            guard.remove_on_exit(path)
        self._children = Children(self._folder.logs, guard, lambda: self._stop.received)
        self._ends.callback(self._stop_postgres)
        self._ends.callback(self._children.stop)
        # Parts without a database start at the same time as it, to use a second core.
        checks = {
            "sandbox": answers(f"{_sandbox_url(kept)}/_sandbox/state"),
            "mailbox": greets(kept.smtp_port),
        }
        self._children.start(self._sandbox(kept))
        self._children.start(self._mailbox(kept))
        database_url = self._start_postgres()
        environment = self._environment(kept, database_url)
        self._children.run(self._cli("migrate", environment))
        self._children.await_ready(checks)
        self._children.start(self._cli("serve", environment, name="web"))
        # at the same time as the seeds: starting a worker is mostly importing
        self._children.start(self._cli("worker", environment))
        self._ends.callback(self._children.stop, "web", "worker")
        seeds = self._seeds(self._children.run(self._cli("seed-demo", environment)))
        ready = f"{self._url}/readyz"
        self._children.await_ready({"web": answers(ready), "worker": works(ready)})
        card = seeds | self._card(kept, database_url)
        self._folder.put_card(card, environment)
        _say(welcome(card, self._folder, time.monotonic() - self._began))

    def watch(self) -> None:
        """Wait until the demo is stopped or a part ends. Raises AskedToStop, ChildEnded."""
        while True:
            self._children.tick()

    def _start_postgres(self) -> str:
        self._postgres = Embedded.start(self._folder.postgres, durable=True)
        self._children.watch("postgres", self._postgres.poll, self._folder.postgres / "postgres.log")
        return self._postgres.create(DATABASE)

    def _stop_postgres(self) -> None:
        if self._postgres is not None:
            self._postgres.stop()

    def _sandbox(self, kept: Kept) -> Child:
        command = [sys.executable, "-m", "billing.dev.sandbox", "--port", str(kept.sandbox_port)]
        command += ["--merchant", Settings.model_fields["publisher_name"].default]
        command += ["--data", str(self._folder.sandbox), "--webhook-url", f"{self._url}/webhooks/stripe"]
        command += ["--webhook-secret", kept.webhook_secret]
        command += ["--record", str(self._record)] if self._record else []
        return Child("sandbox", command, _plain_environment())

    def _mailbox(self, kept: Kept) -> Child:
        command = [sys.executable, "-m", "billing.dev.mailbox", "--port", str(kept.smtp_port)]
        return Child("mailbox", [*command, "--dir", str(self._folder.mailbox)], _plain_environment())

    def _cli(self, command: str, environment: dict[str, str], *, name: str = "") -> Child:
        return Child(name or command, [*CLI, command], _plain_environment() | environment)

    def _environment(self, kept: Kept, database_url: str) -> dict[str, str]:
        return {
            "BILLING_ENVIRONMENT": "demo",
            "BILLING_CLOCK": "held",
            "BILLING_RETURN_POLL_SECONDS": "0",
            "BILLING_DATABASE_URL": database_url,
            "BILLING_PUBLIC_URL": self._url,
            "BILLING_HOST": LOOPBACK,
            "BILLING_PORT": str(self._port),
            "BILLING_SECRET_KEY": kept.secret_key,
            "BILLING_STRIPE_SECRET_KEY": kept.stripe_secret_key,
            "BILLING_STRIPE_API_BASE": _sandbox_url(kept),
            "BILLING_STRIPE_WEBHOOK_SECRETS": kept.webhook_secret,
            "BILLING_SANDBOX_URL": f"{_sandbox_url(kept)}/_sandbox",
            "BILLING_SMTP_URL": f"smtp://{LOOPBACK}:{kept.smtp_port}",
            "BILLING_PAPER_URL": "/articles",
            "BILLING_MAILBOX_DIR": str(self._folder.mailbox),
            "BILLING_JOURNAL_DIR": str(self._folder.path / "journals"),
        }

    def _seeds(self, answer: str) -> dict[str, Any]:
        try:
            seeds = json.loads(answer)
            if isinstance(seeds, dict) and seeds.keys() >= {"api_key", "articles"}:
                return seeds
        except ValueError:
            pass
        raise RefusesToStart(
            f"seed-demo did not answer with a key and articles, but: {answer.strip()[:200]!r}."
        )

    def _card(self, kept: Kept, database_url: str) -> dict[str, Any]:
        return {
            "url": self._url,
            "sandbox_url": _sandbox_url(kept),
            "sandbox_secret_key": kept.stripe_secret_key,
            "mailbox_url": f"{self._url}/mailbox",
            "database_url": database_url,
        }


def _sandbox_url(kept: Kept) -> str:
    return f"http://{LOOPBACK}:{kept.sandbox_port}"


def _plain_environment() -> dict[str, str]:
    """This process's environment without BILLING_ settings of another installation."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("BILLING_")}
    return inherited | {"PYTHONUNBUFFERED": "1"}


def _say(text: str) -> None:
    with contextlib.suppress(OSError):  # stdout may be closed
        print(text, flush=True)
