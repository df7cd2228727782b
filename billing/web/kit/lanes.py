"""The lanes of the queue in front of the framework: each has places of its own, so that a crowd in one holds up no other.

The places at once bound the threads and database connections that a lane takes: a page takes a few milliseconds of CPU, so a
few at once use a whole core, and more would only wait inside. The places that wait are what a process answers in two or three
seconds."""

from collections.abc import Mapping
from dataclasses import dataclass

from billing.http.access_paths import EVALUATION, EVALUATIONS, GATE, MANY, ONE
from billing.http.asker import AskerKind


@dataclass(frozen=True, slots=True)
class Lane:
    """So many requests at once, and so many that wait. With `shares`, one party gets at most half of each."""

    name: str
    at_once: int
    waiting: int
    shares: bool = True


PROBES = ("/healthz", "/readyz", "/metrics")
"""Never queued: they are answered in the event loop, and many at once cost one query."""
ACCESS: Mapping[AskerKind, Lane] = {
    # verified programs have no shares: one key may ask for all readers of a site
    AskerKind.PROGRAM: Lane("access_program", 8, 128, shares=False),
    AskerKind.READER: Lane("access_reader", 6, 128),
    AskerKind.STRANGER: Lane("access_stranger", 6, 128),
}
BULK_ACCESS: Mapping[AskerKind, Lane] = {
    AskerKind.PROGRAM: Lane("bulk_program", 4, 32, shares=False),
    AskerKind.READER: Lane("bulk_reader", 2, 16),
    AskerKind.STRANGER: Lane("bulk_stranger", 2, 16),
}
WEBHOOKS = Lane("webhooks", 256, 512)
"""Many at once: one thread and one connection store up to 64 together (see `webhook_batcher`)."""
STAFF = Lane("staff", 6, 64)
API = Lane("api", 8, 128)
FILES = Lane("files", 4, 256)
"""Stylesheets, scripts and pictures: a thread for less than a millisecond, and no connection."""
PAGES = Lane("pages", 12, 256)
LANES = (*ACCESS.values(), *BULK_ACCESS.values(), WEBHOOKS, STAFF, API, FILES, PAGES)
THREADS = sum(lane.at_once for lane in LANES if lane is not WEBHOOKS)
"""So many threads has the pool of a web process, so that no request that has a place waits for one."""
LOOP_THREADS = "event loop"
"""How the names of the event loop's own threads begin. They store webhooks together, and do what no request waits for."""
_BY_PREFIX = (
    (("/webhooks/",), WEBHOOKS),
    (("/static/", "/brand/"), FILES),
    (("/staff",), STAFF),
    (("/v1/", "/access/"), API),
)


def lane_of(path: str, asker: AskerKind) -> Lane:
    """The lane of a request for this path."""
    if path in (MANY, EVALUATIONS):
        return BULK_ACCESS[asker]
    if path.startswith((ONE, GATE)) or path == EVALUATION:
        return ACCESS[asker]
    return next((lane for prefixes, lane in _BY_PREFIX if path.startswith(prefixes)), PAGES)
