"""The real `billing demo` on a free port, and what a test may ask it besides looking at its pages.

When it ends, every exchange with the sandbox is judged by Stripe's OpenAPI."""

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from zoneinfo import ZoneInfo

import httpx

from tests.support.mails import about
from tests.support.polling import eventually
from tests.support.stripe_openapi import violations

ZONE = ZoneInfo("Africa/Johannesburg")


@dataclass(frozen=True)
class Mail:
    """A letter in the demo's mailbox."""

    id: str
    subject: str
    text: str

    def link(self, part: str) -> str:
        """The one link with this part in its path."""
        found = re.findall(rf"https?://\S*{re.escape(part)}\S*", self.text)
        assert len(found) == 1, (part, self.text)
        return str(found[0])


class Demo:
    """Use with `with`: started, answering, and in the end stopped whole."""

    def __init__(self, data: Path, port: int = 0) -> None:
        self.data = data
        self._port = port
        self._record = data.with_name(f"{data.name}-exchanges.jsonl")

    def __enter__(self) -> Self:
        command = [sys.executable, "-m", "billing.cli", "demo", "--port", str(self._port)]
        self._launcher = subprocess.Popen(
            [*command, "--data", str(self.data), "--record", str(self._record)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        card = self.data / "demo.json"
        assert eventually(lambda: card.exists() or self._launcher.poll() is not None)
        assert card.exists(), self._launcher.communicate()[0]
        self.card: dict[str, Any] = json.loads(card.read_text())
        self.url: str = self.card["url"]
        self.http = httpx.Client(
            headers={"Authorization": f"Bearer {self.card['api_key']}"}, timeout=300, trust_env=False
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.http.close()
        self._launcher.terminate()
        self.words = self._launcher.communicate()[0]
        if error is None:
            self._check()

    def _check(self) -> None:
        """Judge all that was exchanged with the sandbox by Stripe's OpenAPI."""
        exchanges = [json.loads(line) for line in self._record.read_text().splitlines()]
        found = [problem for exchange in exchanges for problem in violations(exchange)]
        assert exchanges
        assert found == []

    def command(self, *words: str) -> str:
        """What a `billing` command says, run as the welcome advises: with the demo's environment."""
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
        assert done.returncode == 0, done.stderr
        return done.stdout

    def now(self) -> datetime:
        """The held present, in Johannesburg; what is due at it has been done."""
        return self.advance()

    def advance(self, **span: float) -> datetime:
        """Let time pass by `/v1/clock/advance`."""
        return self._move({"seconds": int(timedelta(**span).total_seconds())})

    def advance_to(self, at: datetime) -> datetime:
        """Let it be `at`."""
        return self._move({"to": at.isoformat()})

    def _move(self, body: dict[str, object]) -> datetime:
        answer = self.http.post(f"{self.url}/v1/clock/advance", json=body).raise_for_status().json()
        return datetime.fromisoformat(answer["now"]).astimezone(ZONE)

    def trial(self, email: str, method: str) -> dict[str, Any]:
        """Started by a program, with a card that an app has saved."""
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
        """The newest mail to this address with these words in its subject."""
        return about(self.letters(to), subject)

    def charges(self, of: str) -> list[dict[str, Any]]:
        """Every charge the sandbox ever tried for this mail address, oldest first."""
        customers = {row["id"] for row in self._objects("customer") if row["email"] == of}
        return [row for row in reversed(self._objects("charge")) if row["customer"] in customers]

    def _objects(self, kind: str) -> list[dict[str, Any]]:
        url = f"{self.card['sandbox_url']}/_sandbox/objects/{kind}"
        answer = self.http.get(url, params={"limit": 1000}).raise_for_status().json()
        return list(answer["data"])
