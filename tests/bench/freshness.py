"""How long after a commit here another process answers by it, over HTTP: while it is idle, and while it is asked without end.

Each round is a life: the reader pays and withdraws (a refund that ends reading), pays again and is cancelled at once; then an
editor opens the article, and closes it. All of it by the code that pages and the worker call."""

import http.client
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from statistics import median, quantiles
from time import perf_counter
from urllib.parse import urlsplit

from billing.platform.db import Database
from tests.access_cache.random_changes import Deeds
from tests.bench.figures import Figure
from tests.bench.load import Process, pressing, run, serving
from tests.bench.readers import secret_of

PART = "access"
BAR_MS = 100.0
LOAD = 8
"""Connections that ask without a pause, in the second half."""
WARM_SECONDS = 3
WHOSE, ARTICLE = 0, "article-0"
Delays = dict[str, list[float]]


def freshness(environ: Mapping[str, str], rounds: int, asking: Path, readers: int) -> list[Figure]:
    """So many rounds each way. `asking`: the script for those who ask too, all of them in memory."""
    database = Database(environ["BILLING_DATABASE_URL"])
    random_changes = Deeds(database)
    with serving("gate", environ, readers) as process:
        run(process, asking, WARM_SECONDS)
        random_changes.cancel(WHOSE)
        idle = _delays(process, random_changes, rounds)
        with pressing(process, asking, LOAD):
            busy = _delays(process, random_changes, rounds)
    database.close()
    return [*_figures("idle", idle), *_figures(f"{LOAD} connections asking", busy)]


def _life(random_changes: Deeds) -> Iterator[tuple[str, bool]]:
    """What was committed a moment ago, and whether the reader may read now."""
    for name, end in (("refunded", random_changes.withdraw), ("cancelled", random_changes.cancel)):
        subscription = random_changes.subscribe(WHOSE)
        yield "paid", True
        random_changes.pay(subscription)
        end(WHOSE)
        yield name, False
    opening = random_changes.open(ARTICLE)
    yield "opened", True
    random_changes.close(opening)
    yield "closed", False


def _delays(process: Process, random_changes: Deeds, rounds: int) -> Delays:
    """Milliseconds from the commit's end to the end of the first answer that knows of it, by what was committed."""
    found: Delays = defaultdict(list)
    at = urlsplit(process.url)
    connection = http.client.HTTPConnection(at.hostname or "", at.port, timeout=60)
    headers = {"cookie": f"masthead-session={secret_of(WHOSE)}"}

    def is_allowed() -> bool:
        connection.request("GET", f"/v1/access/{ARTICLE}", headers=headers)
        return bool(json.load(connection.getresponse())["allowed"])

    is_allowed()
    for _ in range(rounds):
        for what, allowed in _life(random_changes):
            committed = perf_counter()
            while is_allowed() is not allowed:
                pass
            found[what].append((perf_counter() - committed) * 1000)
    connection.close()
    return found


def _figures(how: str, delays: Delays) -> list[Figure]:
    together = [one for many in delays.values() for one in many]
    named = {"whatever was committed": together, **delays}
    return [
        Figure(PART, f"a commit here is an answer there ({how}): p50", median(together), "ms"),
        *(
            Figure(PART, f"{what} ({how}): p99", _p99(many), "ms", BAR_MS, "what is allowed", 1, lower=True)
            for what, many in named.items()
        ),
    ]


def _p99(delays: list[float]) -> float:
    return quantiles(delays, n=100, method="inclusive")[98] if len(delays) > 1 else delays[0]
