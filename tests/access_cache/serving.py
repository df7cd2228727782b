"""A real `billing serve` process, with the machine's clock."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import httpx
import psycopg

from billing.access.articles import register
from billing.access.models import Article
from billing.access.policies import AccessTerms
from billing.dev.demo.folder import free_port
from billing.platform.actors import Command
from billing.platform.clock import SystemClock
from billing.platform.db import Database
from billing.platform.site import Site
from billing.platform.tokens import Tokens
from billing.rules.access import AccessLevel
from tests.bench.readers import populate, secret_of
from tests.support.installation import SECRET_KEY
from tests.support.polling import until

TOKENS = Tokens(SECRET_KEY)


@dataclass(frozen=True, slots=True)
class WebProcess:
    """A running process, and a client for it."""

    process: "subprocess.Popen[bytes]"
    client: httpx.Client
    port: int

    def kill(self) -> None:
        """End it as the kernel does: nothing is finished or closed."""
        self.process.kill()
        self.process.wait(timeout=60)


@contextmanager
def serving(url: str) -> Iterator[httpx.Client]:
    """Run the process on this database; yield an HTTP client for it."""
    with web_process(url) as running:
        yield running.client


@contextmanager
def web_process(url: str, **more: str) -> Iterator[WebProcess]:
    """Run the process on this database. `more` are environment variables."""
    port = free_port(0)
    environ = {
        **os.environ,
        "BILLING_DATABASE_URL": url,
        "BILLING_SECRET_KEY": SECRET_KEY,
        "BILLING_STRIPE_SECRET_KEY": "sk_test_elsewhere",
        **more,
        "BILLING_PORT": str(port),
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "billing.cli", "serve"], env=environ, stderr=subprocess.DEVNULL
    )
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=60) as client:
            _until_listening(client, process)
            yield WebProcess(process, client, port)
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        process.wait(timeout=60)


def _until_listening(client: httpx.Client, process: "subprocess.Popen[bytes]") -> None:
    def is_listening() -> bool:
        assert process.poll() is None, "the web process has ended"
        try:
            return bool(client.get("/readyz").json().get("listening"))
        except httpx.TransportError:
            return False

    until(is_listening, "the web process to listen")


def furnish(url: str, readers: int = 3) -> None:
    """Add readers with subscriptions, and an article for subscribers."""
    populate(url, TOKENS, readers)
    database, at = Database(url), SystemClock().now()
    site = Site(ZoneInfo("Africa/Johannesburg"), "https://pay.example", TOKENS)
    with database.begin(site, at, Command("test")) as ctx:
        bridge = Article(id="bridge", title="t", url="u", section="Town", published_at=at)
        register(ctx, bridge, AccessTerms(AccessLevel.SUBSCRIBER))
    database.close()


def cookie(number: int) -> dict[str, str]:
    """The cookie of a reader's browser."""
    return {"cookie": f"masthead-session={secret_of(number)}"}


def reason(client: httpx.Client, number: int = 0) -> str:
    """The reason of the process's access decision for a reader."""
    return str(client.get("/v1/access/bridge", headers=cookie(number)).raise_for_status().json()["reason"])


def follows(client: httpx.Client, expected: str, number: int = 0) -> None:
    """Wait until the process gives the expected reason. The benchmark measures how soon it does."""
    until(lambda: reason(client, number) == expected, f"the reason {expected}")


def do(url: str, statement: str) -> None:
    """Execute and commit a statement."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement.encode())


def end(number: int) -> str:
    """The statement that ends this reader's subscription."""
    return (
        "UPDATE subscription SET state = 'ended', ended_at = now(), next_action = NULL, next_action_at = NULL"
        f" WHERE id LIKE '%{number}'"
    )


def begin(number: int) -> str:
    """The statement that makes this reader's subscription active again."""
    return (
        "UPDATE subscription SET state = 'active', ended_at = NULL, next_action = 'charge', next_action_at = now()"
        f" WHERE id LIKE '%{number}'"
    )


END, BEGIN = end(0), begin(0)
