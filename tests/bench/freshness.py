"""How long after a commit here another process answers by it, over HTTP: while it is idle, and while it is asked without end."""

import threading
from collections.abc import Mapping
from statistics import median, quantiles
from time import perf_counter

import httpx
import psycopg

from tests.bench.figures import Figure
from tests.bench.load import Process, serving
from tests.bench.readers import secret_of

PART = "access"
BAR_MS = 100.0
CHANGES = (
    (
        "ended",
        "UPDATE subscription SET state = 'ended', ended_at = now(), next_action = NULL, next_action_at = NULL",
    ),
    (
        "paid",
        "UPDATE subscription SET state = 'active', ended_at = NULL, next_action = 'charge', next_action_at = now()",
    ),
)
LOAD = 8
"""Connections that ask without end, in the second half."""


def freshness(environ: Mapping[str, str], rounds: int) -> list[Figure]:
    """Ended and paid in turn, `rounds` times each way."""
    with serving("gate", environ) as process:
        idle = _delays(process, environ["BILLING_DATABASE_URL"], rounds)
        stop = threading.Event()
        threads = [threading.Thread(target=_ask, args=(process, number + 1, stop)) for number in range(LOAD)]
        for thread in threads:
            thread.start()
        try:
            busy = _delays(process, environ["BILLING_DATABASE_URL"], rounds)
        finally:
            stop.set()
            for thread in threads:
                thread.join()
    return [*_figures("idle", idle), *_figures(f"{LOAD} connections asking", busy)]


def _figures(how: str, delays: list[float]) -> list[Figure]:
    p99 = quantiles(delays, n=100)[98] if len(delays) > 1 else delays[0]
    what = f"a commit here is an answer there ({how})"
    return [
        Figure(PART, f"{what}: p50", median(delays), "ms"),
        Figure(PART, f"{what}: p99", p99, "ms", BAR_MS, "what is allowed", 1, lower=True),
    ]


def _delays(process: Process, database_url: str, rounds: int) -> list[float]:
    """Milliseconds from the commit's end to the end of the first answer that knows of it."""
    found = []
    headers = {"cookie": f"masthead-session={secret_of(0)}"}
    with (
        httpx.Client(base_url=process.url, headers=headers, trust_env=False, timeout=30) as client,
        psycopg.connect(database_url, autocommit=True) as connection,
    ):
        client.get("/v1/access/article-0").raise_for_status()
        for _ in range(rounds):
            for what, statement in CHANGES:
                connection.execute(f"{statement} WHERE id = 'sub_{0:026d}'".encode())
                committed = perf_counter()
                while client.get("/v1/access/article-0").json()["allowed"] is not (what == "paid"):
                    pass
                found.append((perf_counter() - committed) * 1000)
    return found


def _ask(process: Process, number: int, stop: threading.Event) -> None:
    headers = {"cookie": f"masthead-session={secret_of(number)}"}
    with httpx.Client(base_url=process.url, headers=headers, trust_env=False, timeout=30) as client:
        while not stop.is_set():
            client.get("/v1/access/article-1").raise_for_status()
