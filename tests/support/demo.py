"""The real `billing demo` on a free port, and helpers that drive it.

When it stops, every exchange with the sandbox is checked against Stripe's OpenAPI."""

import json
import os
import re
import signal
import subprocess
import sys
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from zoneinfo import ZoneInfo

import httpx
import psutil

from tests.support.mails import about
from tests.support.polling import eventually
from tests.support.stripe_openapi import violations

ROOT = Path(__file__).parents[2]
ZONE = ZoneInfo("Africa/Johannesburg")
MARKS = {
    "web": "billing.cli serve",
    "worker": "billing.cli worker",
    "sandbox": "billing.dev.sandbox",
    "mailbox": "billing.dev.mailbox",
    "postgres": "bin/postgres",
}
"""The parts of a demo, with a mark in the command line of each."""


@dataclass(frozen=True)
class Mail:
    """A mail in the demo's mailbox."""

    id: str
    subject: str
    text: str

    def link(self, part: str) -> str:
        """The only link that contains `part`."""
        found = re.findall(rf"https?://\S*{re.escape(part)}\S*", self.text)
        assert len(found) == 1, (part, self.text)
        return str(found[0])


class DemoProcess:
    """A `billing demo` process with the parts it starts; it may fail."""

    def __init__(self, data: Path, *arguments: str) -> None:
        self.data = data
        self.launcher = subprocess.Popen(
            [sys.executable, "-m", "billing.cli", "demo", "--data", str(data), *arguments],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    @property
    def runs(self) -> bool:
        """Whether the launcher still runs."""
        return self.launcher.poll() is None

    def card(self) -> dict[str, Any]:
        """The content of demo.json, which appears when all parts answer."""
        path = self.data / "demo.json"
        assert eventually(lambda: path.exists() or not self.runs)
        assert path.exists(), self.end()
        return dict(json.loads(path.read_text()))

    def family(self) -> dict[str, psutil.Process]:
        """Its child processes, by part (see MARKS)."""
        found = {}
        for child in psutil.Process(self.launcher.pid).children():
            line = " ".join(child.cmdline())
            for part, mark in MARKS.items():
                if mark in line:
                    found[part] = child
        return found

    def all_processes(self) -> list[psutil.Process]:
        """All its descendants."""
        return psutil.Process(self.launcher.pid).children(recursive=True)

    def end(self) -> tuple[int, str, str]:
        """Exit status, stdout and stderr, once it has ended."""
        out, err = self.launcher.communicate()
        return self.launcher.returncode, out, err


class Demo:
    """A demo for the length of a `with` block: it answers from the start and is stopped at the end."""

    def __init__(self, data: Path, port: int = 0) -> None:
        self.data = data
        self._port = port
        self._record = data.with_name(f"{data.name}-exchanges.jsonl")

    def __enter__(self) -> Self:
        self.process = DemoProcess(self.data, "--port", str(self._port), "--record", str(self._record))
        self.card = self.process.card()
        self.url: str = self.card["url"]
        self.http = httpx.Client(
            headers={"Authorization": f"Bearer {self.card['api_key']}"}, timeout=300, trust_env=False
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        if error is None:
            self._check()

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        """Stop it and keep its output in `words`. It must exit with 0 and write nothing to stderr."""
        self.http.close()
        self.process.launcher.send_signal(number)
        status, self.words, complaints = self.process.end()
        assert (status, complaints) == (0, "")

    def _check(self) -> None:
        """Check all exchanges with the sandbox against Stripe's OpenAPI."""
        found = [problem for exchange in self.exchanges() for problem in violations(exchange)]
        assert found == []

    def exchanges(self) -> list[dict[str, Any]]:
        """All requests to the sandbox and its answers, since the data folder was made."""
        return [json.loads(line) for line in self._record.read_text().splitlines()]

    def command(self, *words: str, refuses: bool = False) -> str:
        """Run a `billing` command with the demo's environment, as the welcome text advises; return its output. `refuses`: it may
        end with exit status 1."""
        lines = (self.data / "demo.env").read_text().splitlines()
        pairs = (line.removeprefix("export ").partition("=") for line in lines)
        given = {name: value.strip("'") for name, _, value in pairs}
        kept = {name: value for name, value in os.environ.items() if not name.startswith("BILLING_")}
        done = subprocess.run(
            [sys.executable, "-m", "billing.cli", *words],
            env=kept | given,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0 or (refuses and done.returncode == 1), done.stderr
        return done.stdout

    def now(self) -> datetime:
        """The held clock's time, in Johannesburg. All work due by then is done."""
        return self.advance()

    def advance(self, **span: float) -> datetime:
        """Advance the held clock by `/v1/clock/advance`."""
        return self._move({"seconds": int(timedelta(**span).total_seconds())})

    def advance_to(self, at: datetime) -> datetime:
        """Advance the held clock to `at`."""
        return self._move({"to": at.isoformat()})

    def _move(self, body: dict[str, object]) -> datetime:
        answer = self.http.post(f"{self.url}/v1/clock/advance", json=body).raise_for_status().json()
        return datetime.fromisoformat(answer["now"]).astimezone(ZONE)

    def trial(self, email: str, method: str) -> dict[str, Any]:
        """Start a trial by the API, with a card that an app has saved."""
        consent = {
            "text_version": "app-1",
            "accepted_at": self.now().isoformat(),
            "ip": "196.25.1.9",
            "user_agent": "App/1",
        }
        body = {"email": email, "payment_method": method, "consent": consent}
        return dict(self.http.post(f"{self.url}/v1/trials", json=body).raise_for_status().json())

    def letters(self, to: str) -> list[Mail]:
        """Mails to this address, oldest first."""
        rows = self.http.get(f"{self.url}/mailbox.json", params={"to": to}).raise_for_status().json()
        return [Mail(row["id"], row["subject"], row["text"]) for row in reversed(rows)]

    def letter(self, to: str, subject: str) -> Mail:
        """The newest mail to this address whose subject contains these words."""
        return about(self.letters(to), subject)

    def charges(self, of: str) -> list[dict[str, Any]]:
        """Every charge that the sandbox tried for this mail address, oldest first."""
        customers = {row["id"] for row in self._objects("customer") if row["email"] == of}
        return [row for row in reversed(self._objects("charge")) if row["customer"] in customers]

    def _objects(self, kind: str) -> list[dict[str, Any]]:
        url = f"{self.card['sandbox_url']}/_sandbox/objects/{kind}"
        answer = self.http.get(url, params={"limit": 1000}).raise_for_status().json()
        return list(answer["data"])


class SharedDemo:
    """The one demo of a test process. It starts at first use."""

    def __init__(self, data: Path) -> None:
        self._data = data
        self._life = ExitStack()
        self._demo: Demo | None = None

    def running(self) -> Demo:
        """The running demo; a stopped one is started again with its data."""
        if self._demo is None or not self._demo.process.runs:
            self._life.pop_all()
            self._demo = self._life.enter_context(Demo(self._data))
        return self._demo

    def end(self) -> None:
        """Stop it if it runs, and check its exchanges with the sandbox."""
        if self._demo is not None and self._demo.process.runs:
            self._life.close()
