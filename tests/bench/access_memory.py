"""What the access cache takes of memory, and the time to check a reader token."""

import hashlib
import tracemalloc
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from time import monotonic, perf_counter
from zoneinfo import ZoneInfo

from billing.access import edge_tokens
from billing.access.entitlements import Entitlements
from billing.access_cache.cache import AccessCache
from billing.access_cache.identifier import Identifier
from billing.access_cache.packed_entitlements import REGISTERED
from billing.access_cache.presented import PresentedCredentials
from billing.platform.monotonic import SystemMonotonic
from billing.platform.site import Site
from billing.platform.tokens import Tokens
from billing.rules.access import Entitlement, Reason
from tests.bench.figures import Figure
from tests.bench.readers import reader_of

PART = "access"


def memory(count: int) -> Figure:
    """Memory of this many cached entitlements, each with its own name."""
    until = datetime(2030, 1, 1, tzinfo=UTC)
    cache = AccessCache(4 * count, SystemMonotonic())
    held = [
        cache.packer.pack(
            True,
            (Entitlement(Reason.SUBSCRIPTION, until + timedelta(days=day), frozenset({"listen"}), True),),
        )
        for day in range(400)
    ]
    tracemalloc.start()
    for number in range(count):
        cache.keep_entitlements(reader_of(number), held[number % 400])
    weighs = tracemalloc.get_traced_memory()[0] / 1e6
    tracemalloc.stop()
    bar = 200 * count / 1_000_000
    return Figure(PART, f"{count:,} standings in memory", weighs, "MB", bar, "what is allowed", 1, lower=True)


def tokens() -> list[Figure]:
    """Time to check a reader token that is cached, and one that is new."""
    site = Site(
        ZoneInfo("UTC"), "https://paper.example", Tokens("a secret for the benchmarks, of enough length")
    )
    at, cache, identifier = (
        datetime.now(UTC),
        AccessCache(100, SystemMonotonic()),
        Identifier(site, b"s="),
    )
    token = edge_tokens.issue(site, Entitlements(reader_of(1)), None, at)
    held = edge_tokens.read(site, token, at)
    cache.tokens.keep(hashlib.sha256(token.encode()).digest()[:16], held)
    cache.keep_entitlements(held.reader_id, cache.packer.pack(True, ()))
    who, now = PresentedCredentials(b"", token.encode(), {}), monotonic()
    assert identifier.reader(cache, who, at, now) == (held.reader_id, REGISTERED)
    new = _microseconds(lambda: edge_tokens.read(site, token, at), 500)
    seen = _microseconds(lambda: identifier.reader(cache, who, at, now), 20_000)
    return [Figure(PART, "who a token seen before stands for", seen, "µs", new, "Ed25519", 0.1, lower=True)]


def _microseconds(work: Callable[[], object], times: int) -> float:
    began = perf_counter()
    for _ in range(times):
        work()
    return (perf_counter() - began) / times * 1e6
