"""Benchmark of response times under attack: access check, probe, sign-in page and the trial's pages, with and without attackers.

For the measurement without attackers, another process uses as much CPU as the attackers did. The difference is the attack's cost to
the product. Each attack has 200 connections that act every two seconds: up to a hundred requests a second."""

import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from statistics import median
from time import monotonic, perf_counter, sleep
from urllib.parse import urlsplit

import httpx
import psutil
import psycopg

from tests.bench.attackers import CONNECTIONS, KINDS, TOKENS, browser_of, setup_of
from tests.bench.figures import Figure
from tests.bench.publisher import publisher
from tests.bench.readers import secret_of
from tests.bench.web_process import Process, serving

PART = "attacked"
READERS = 2_000
STRIPE_SECONDS = 8
WITHHELD_SECONDS = 3.0
"""Seconds after which an answer counts as withheld."""
TWICE = 2.0
LOOKS: dict[str, tuple[str, ...]] = {
    "a subscriber's check": ("/v1/access/article-1",),
    "a subscriber's check on two hosts": ("/v1/access/article-1?prefetch=true",),
    "/healthz": ("/healthz",),
    "the sign-in page": ("/sign-in",),
    "the trial's pages": ("/", "/subscribe"),
}
QUIET = "quiet, beside a neighbour as busy as the strangers"


def measure(quick: bool) -> list[Figure]:
    """Measure during each attack and without one: median milliseconds."""
    seconds, warming = (0.5, 0.5) if quick else (4.0, 2.0)
    figures: list[Figure] = []
    with (
        tempfile.TemporaryDirectory(prefix="masthead-bench-") as folder,
        publisher(Path(folder), READERS) as house,
        _slow_stripe() as stripe,
    ):
        environ = house.environ | {"BILLING_STRIPE_API_BASE": stripe}
        _begin_setups(environ["BILLING_DATABASE_URL"])
        for kind in KINDS[:2] if quick else KINDS:
            # a fresh web process for each: an attack's leftover work would slow down the quiet measurement
            with serving("gate", environ) as web:
                attacked, theirs, ours = _beside(web, kind, str(urlsplit(web.url).port), seconds, warming)
                psutil.Process(web.pid).kill()
            with serving("gate", environ) as web:
                quiet, _, _ = _beside(web, "neighbour", f"{theirs:.3f}", seconds, 0.2)
            bound = (
                f"the strangers took {theirs:.0%} of a core, the web process {ours:.0%} while they were there"
            )
            figures += [
                Figure(
                    PART,
                    f"{what} during {kind}",
                    attacked[what],
                    "ms",
                    quiet[what],
                    QUIET,
                    TWICE,
                    lower=True,
                    bound=bound if what == "/healthz" else "",
                )
                for what in LOOKS
            ]
    return figures


def _beside(
    web: Process, kind: str, value: str, seconds: float, warming: float
) -> tuple[dict[str, float], float, float]:
    """Measure the requests beside this attacker; return also the share of a core that it and the web process used."""
    command = [sys.executable, "-m", "tests.bench.attackers", kind, value]
    _look(web, 0.5)  # warm up
    with ExitStack() as ends:
        beside = subprocess.Popen(command)
        ends.callback(beside.wait)
        ends.callback(beside.kill)
        sleep(warming)
        both = [psutil.Process(pid) for pid in (beside.pid, web.pid)]
        used, began = [_cpu(each) for each in both], monotonic()
        found = _look(web, seconds)
        took = monotonic() - began
        theirs, ours = ((_cpu(each) - before) / took for each, before in zip(both, used, strict=True))
        if beside.poll() is not None:
            raise RuntimeError(f"{kind}: those who were to attack have stopped")
    return found, theirs, ours


def _cpu(process: psutil.Process) -> float:
    used = process.cpu_times()
    return float(used.user + used.system)


def _look(web: Process, seconds: float) -> dict[str, float]:
    """Make the requests in turn for `seconds`, each at least once; return median milliseconds."""
    took: dict[str, list[float]] = {what: [] for what in LOOKS}
    until, rounds = monotonic() + seconds, 0
    while rounds == 0 or (monotonic() < until and rounds < 200):
        rounds += 1
        for what, paths in LOOKS.items():
            took[what] += [_milliseconds(web, path, rounds) for path in paths]
            sleep(0.005)
    return {what: median(some) for what, some in took.items()}


def _milliseconds(web: Process, path: str, n: int) -> float:
    """One request on a new connection. The access check is a subscriber's; pages are requested signed out."""
    at = urlsplit(web.url)
    headers = {"X-Forwarded-For": "41.0.0.7"}
    if path.startswith("/v1/"):
        headers["Cookie"] = f"masthead-session={secret_of(n)}"
    began = perf_counter()
    connection = HTTPConnection(str(at.hostname), at.port, timeout=WITHHELD_SECONDS)
    try:
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        answer.read()
        if answer.status != 200:
            return WITHHELD_SECONDS * 1000
    except (OSError, HTTPException):
        return WITHHELD_SECONDS * 1000
    finally:
        connection.close()
    return (perf_counter() - began) * 1000


@contextmanager
def _slow_stripe() -> Iterator[str]:
    """A sandbox that answers slowly about the state of a card page."""
    process = subprocess.Popen(
        [sys.executable, "-m", "billing.dev.sandbox"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert process.stdout is not None
        found = re.search(r"http://\S+", process.stdout.readline())
        assert found is not None
        rule = {"effect": "slow", "path": "/v1/checkout/sessions/*", "seconds": STRIPE_SECONDS, "times": None}
        httpx.post(f"{found[0]}/_sandbox/faults", json=rule, trust_env=False).raise_for_status()
        yield found[0]
    finally:
        process.kill()
        process.wait()


def _begin_setups(url: str) -> None:
    """Let each stranger return from a card page."""
    at = datetime.now(UTC)
    with psycopg.connect(url) as connection:
        price = connection.execute("SELECT id FROM price ORDER BY id LIMIT 1").fetchone()
        assert price is not None
        for number in range(CONNECTIONS):
            connection.execute(
                "INSERT INTO card_setup (id, purpose, state, email, price_id, acquirer, browser_hash, next_poll_at, poll_count, keys_unusable,"
                " session_ref, new_reader, created_at, expires_at)"
                " VALUES (%(id)s, 'trial', 'open', 'stranger@example.com', %(price)s, 'stripe', %(browser)s, %(end)s, 0, 0,"
                " %(page)s, false, %(at)s, %(end)s)",
                {
                    "id": setup_of(number),
                    "price": price[0],
                    "browser": TOKENS.digest("browser", browser_of(number)),
                    "page": f"cs_test_{number}",
                    "at": at,
                    "end": at + timedelta(hours=23),
                },
            )
