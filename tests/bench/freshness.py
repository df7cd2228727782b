"""Benchmark of cache freshness: the time from a commit here until another process answers by it over HTTP, idle and under load.

In each round the reader pays and withdraws (a refund that ends access), pays again and is cancelled at once. Then an editor opens
the article and closes it. All changes use the code of pages and worker."""

import http.client
import json
from collections import defaultdict
from collections.abc import Iterator
from statistics import median, quantiles
from time import perf_counter
from urllib.parse import urlsplit

from billing.platform.db import Database
from tests.access_cache.random_changes import ReaderChanges
from tests.bench.figures import Figure
from tests.bench.press import pressing
from tests.bench.publisher import Publisher
from tests.bench.readers import secret_of
from tests.bench.web_process import Process, serving

PART = "access"
BAR_MS = 100.0
LOAD = 8
"""Connections that send requests without a pause, in the second half."""
WHOSE, ARTICLE = 0, "article-0"
Delays = dict[str, list[float]]


def freshness(house: Publisher, rounds: int) -> list[Figure]:
    """Measure `rounds` with an idle and with a busy process."""
    database = Database(house.environ["BILLING_DATABASE_URL"])
    changes = ReaderChanges(database)
    readers = len(house.subscribers)
    with serving("gate", house.environ, readers) as process:
        changes.cancel(WHOSE)
        idle = _delays(process, changes, rounds)
        with pressing(process.url, LOAD, readers):
            busy = _delays(process, changes, rounds)
    database.close()
    return [*_figures("idle", idle), *_figures(f"{LOAD} connections asking", busy)]


def _life(changes: ReaderChanges) -> Iterator[tuple[str, bool]]:
    """Make one change after another; yield its name and whether the reader has access afterwards."""
    for name, end in (("refunded", changes.withdraw), ("cancelled", changes.cancel)):
        subscription = changes.subscribe(WHOSE)
        yield "paid", True
        changes.pay(subscription)
        end(WHOSE)
        yield name, False
    opening = changes.open(ARTICLE)
    yield "opened", True
    changes.close(opening)
    yield "closed", False


def _delays(process: Process, changes: ReaderChanges, rounds: int) -> Delays:
    """Milliseconds from the commit to the first answer that reflects it, by change."""
    found: Delays = defaultdict(list)
    at = urlsplit(process.url)
    connection = http.client.HTTPConnection(at.hostname or "", at.port, timeout=60)
    headers = {"cookie": f"masthead-session={secret_of(WHOSE)}"}

    def is_allowed() -> bool:
        connection.request("GET", f"/v1/access/{ARTICLE}", headers=headers)
        return bool(json.load(connection.getresponse())["allowed"])

    is_allowed()
    for _ in range(rounds):
        for what, allowed in _life(changes):
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
