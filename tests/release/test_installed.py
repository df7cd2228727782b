"""From a release alone, as an ordinary user, on each Python that is here: the lines of the docs as they stand there, up to a first
trial and to production's processes."""

import json
import re
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import httpx
import psycopg
import pytest

from billing.dev.demo.folder import free_port
from tests.release.bare_machine import BareMachine, megabytes, python_of
from tests.release.package import version
from tests.support.documented import documented
from tests.support.installation import SECRET_KEY
from tests.support.polling import until
from tests.support.processes import ending_in_order
from tests.support.sandbox import KEY

pytestmark = [pytest.mark.prove, pytest.mark.timeout(600)]
MOST_MEGABYTES = 150
"""The files of production's environment, with the bytecode that its processes wrote."""


@pytest.fixture(params=[11, 12, 13], ids="python3.{}".format)
def machine(request: pytest.FixtureRequest, release: Sequence[Path]) -> Iterator[BareMachine]:
    """One with this Python and a release."""
    python = python_of(request.param)
    if python is None:
        pytest.skip(f"needs a Python 3.{request.param} that an ordinary user may run")
    # pytest's own folder is closed to others
    with tempfile.TemporaryDirectory(prefix="masthead-") as folder:
        Path(folder).chmod(0o755)
        machine = BareMachine(Path(folder), request.param, python)
        machine.fetch(release)
        yield machine


@contextmanager
def running(
    machine: BareMachine, log: str, *words: str, **variables: str
) -> Iterator[subprocess.Popen[bytes]]:
    """A process that ends with the block, in order: exit status 0, or by the signal."""
    with ending_in_order(machine.start(log, *words, **variables), machine.folder / log) as process:
        yield process


def test_from_a_release_to_a_first_trial_and_to_production(machine: BareMachine) -> None:
    production, printer, demo = documented("operate.md", "Install")
    *install, start = demo.splitlines()
    machine.type("\n".join(install))
    with running(machine, "demo.log", *start.split(), "--port", "0", "--data", "data") as launcher:
        start_trial(card_of(machine, launcher))
        follow_the_welcome(machine)
        url = database(machine, "production")
        assert machine.type(production).endswith(f"billing, version {version()}\n")
        run_production(machine, url)
        assert megabytes(machine.folder / "masthead") < MOST_MEGABYTES
    machine.type(printer)
    machine.run("masthead/bin/python", "-c", "import emails; assert emails.can_print()")


def card_of(machine: BareMachine, launcher: subprocess.Popen[bytes]) -> dict[str, Any]:
    """What the demo says of itself once all parts answer."""
    path = machine.folder / "data" / "demo.json"
    until(lambda: path.exists() or launcher.poll() is not None, "the demo to start")
    assert path.exists(), (machine.folder / "demo.log").read_text()
    return dict(json.loads(path.read_text()))


def start_trial(card: dict[str, Any]) -> None:
    """The offer's page answers; a trial starts by the API, and its reader may read."""
    with httpx.Client(
        base_url=card["url"],
        headers={"Authorization": f"Bearer {card['api_key']}"},
        trust_env=False,
        timeout=60,
    ) as http:
        assert "14 days" in http.get("/").raise_for_status().text
        now = http.post("/v1/clock/advance", json={"seconds": 0}).raise_for_status().json()["now"]
        consent = {"text_version": "app-1", "accepted_at": now, "ip": "196.25.1.9", "user_agent": "App/1"}
        body = {"email": "naledi@example.org", "payment_method": "pm_card_visa__7", "consent": consent}
        reader = http.post("/v1/trials", json=body).raise_for_status().json()["reader"]["id"]
        asked = {"reader_id": reader}
        answer = http.get("/v1/access/the-water-nobody-counted", params=asked).raise_for_status().json()
        assert (answer["allowed"], answer["reason"]) == (True, "trial")


def follow_the_welcome(machine: BareMachine) -> None:
    """What the demo says to type and to read is there under those names."""
    said = (machine.folder / "demo.log").read_text()
    (advance,) = re.findall(r"^ +(\. .+ clock advance) 16d$", said, re.MULTILINE)
    machine.type(f"{advance} 1h")
    (guide,) = re.findall(r"^ +(\S+/try\.md)\.$", said, re.MULTILINE)
    assert (machine.folder / guide).is_file()


def database(machine: BareMachine, name: str) -> str:
    """The address of a new database at the demo's server."""
    lines = (machine.folder / "data" / "demo.env").read_text().splitlines()
    given = dict(line.removeprefix("export ").split("=", 1) for line in lines)
    url = urlsplit(given["BILLING_DATABASE_URL"].strip("'"))
    with psycopg.connect(urlunsplit(url), autocommit=True) as admin:
        admin.execute(f'CREATE DATABASE "{name}"')
    return urlunsplit(url._replace(path=f"/{name}"))


def run_production(machine: BareMachine, url: str) -> None:
    """It migrates, serves and works, and the doctor finds nothing."""
    (started,) = documented("operate.md", "Start")
    migrate, serve, work = (f"masthead/bin/{line}".partition("#")[0].split() for line in started.splitlines())
    port = free_port(0)
    variables = {
        "BILLING_DATABASE_URL": url,
        "BILLING_SECRET_KEY": SECRET_KEY,
        "BILLING_STRIPE_SECRET_KEY": KEY,
        "BILLING_PORT": str(port),
        "BILLING_MAIL_PAPERS": "false",
    }
    assert machine.run(*migrate, **variables) == "The database is up to date.\n"
    with ExitStack() as processes:
        processes.enter_context(running(machine, "web.log", *serve, **variables))
        processes.enter_context(running(machine, "worker.log", *work, **variables))
        until(lambda: worker_state(port) == "seen", "the web process to see the worker")
    machine.run("masthead/bin/billing", "doctor", **variables)


def worker_state(port: int) -> str | None:
    """What `/readyz` says of the worker; None while nothing answers."""
    try:
        answer = httpx.get(f"http://127.0.0.1:{port}/readyz", trust_env=False)
    except httpx.TransportError:
        return None
    return str(answer.json().get("worker", {}).get("state"))
