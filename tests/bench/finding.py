"""Benchmark of finding due work: a claim of 256 and an idle tick, with ten thousand and with five million subscriptions."""

import time
from dataclasses import dataclass
from statistics import median

from billing import timetable
from billing.app import build
from billing.billing_run.context import BATCH
from billing.billing_run.run import claim_due
from billing.container import Services
from billing.platform.actors import WORKER
from tests.bench.crowd import AT, a_database, grow, live_through, make_due, make_idle
from tests.bench.figures import Figure
from tests.support.installation import settings_for

PART = "finding what is due"


@dataclass(frozen=True, slots=True)
class _Found:
    """Milliseconds."""

    claim: float
    idle: float


def measure(quick: bool) -> list[Figure]:
    """Run the same queries on a small and on a large database."""
    few, lots, rounds = (2_000, 20_000, 5) if quick else (10_000, 5_000_000, 60)
    with a_database() as url:
        small = _ask(url, few, rounds)
        large = _ask(url, lots, rounds)
    bound = "looks at partial indexes, which hold only what is still to come"
    return [
        Figure(
            PART,
            f"a claim of {BATCH} among {lots:,}",
            large.claim,
            "ms",
            small.claim,
            f"among {few:,}",
            3,
            True,
            bound,
        ),
        Figure(
            PART,
            f"an idle tick among {lots:,}",
            large.idle,
            "ms",
            small.idle,
            f"among {few:,}",
            3,
            True,
            bound,
        ),
    ]


def _ask(url: str, size: int, rounds: int) -> _Found:
    grow(url, size, alone=True)
    live_through(url, size // 10)
    services = build(settings_for(url))
    try:
        idle = median(_idle(services) for _ in range(rounds))
        make_due(url, 4 * BATCH)
        claim = median(_claim(services) for _ in range(rounds))
        make_idle(url)
    finally:
        services.database.close()
    return _Found(claim, idle)


def _idle(services: Services) -> float:
    began = time.perf_counter()
    done = timetable.tick(services)
    if done:
        raise AssertionError(f"an idle tick did {done} things")
    return (time.perf_counter() - began) * 1000


def _claim(services: Services) -> float:
    with services.database.begin(services.site, AT, WORKER) as ctx:
        began = time.perf_counter()
        found = len(claim_due(ctx))
        took = (time.perf_counter() - began) * 1000
        ctx.session.rollback()
    if found != BATCH:
        raise AssertionError(f"{found} were claimed")
    return took
