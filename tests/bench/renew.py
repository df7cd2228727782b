"""A process that runs billing as a worker does and prints what it took: `python -m tests.bench.renew URL WAY COUNT …`.

The ways: `ours`, `slow` (ours, with a gateway that takes 200 ms), `hand` and `hand-one` (psycopg, 256 or one at a time), `orm`.
Each COUNT is made due and renewed in turn; for each a line of JSON with the count, the seconds, and the peak memory so far."""

import json
import logging
import os
import resource
import sys
import time
from collections.abc import Callable

from billing.acquirer.answers import Charged, ChargeRequest
from billing.acquirer.stripe.gateway import CAPABILITIES
from billing.billing_run.context import RunContext
from billing.billing_run.run import run
from billing.platform.db import Database
from billing.platform.gc_tuning import freeze_gc
from billing.platform.logs import log_to_stderr
from billing.platform.site import Site
from billing.platform.tokens import Tokens
from tests.bench import by_hand, by_orm
from tests.bench.crowd import AT, ZONE, make_due
from tests.support.one_acquirer import only

ALL = 10**9
SLOW_SECONDS, SLOW_CALLS = 0.2, 64
SITE = Site(ZONE, "http://127.0.0.1:8000", Tokens("a secret of the benchmarks, long enough 0123"))


class Taking:
    """A gateway in this process whose charges succeed after some seconds."""

    name = "stripe"
    capabilities = CAPABILITIES

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def charge(self, request: ChargeRequest) -> Charged:
        """Report success."""
        if self.seconds:
            time.sleep(self.seconds)
        attempt = request.claim.attempt_id
        return Charged(f"pi_{attempt}", f"ch_{attempt}", request.amount, None, AT)


def way(name: str, url: str) -> Callable[[], int]:
    """Renew the due subscriptions; return how many were renewed."""
    if name == "hand":
        return lambda: by_hand.renew(url, SITE, AT, size=256, most=ALL)
    if name == "hand-one":
        return lambda: by_hand.renew(url, SITE, AT, size=1, most=ALL)
    database = Database(url, pool_size=20)
    if name == "orm":
        return lambda: by_orm.renew(database, SITE, AT, most=ALL)
    slow = name == "slow"
    run_context = RunContext(
        database,
        only(Taking(SLOW_SECONDS if slow else 0)),
        SITE,
        pause_after=5,
        concurrency=SLOW_CALLS if slow else 8,
    )
    return lambda: run(run_context, AT).counts["charged"]


def main() -> None:
    """Renew and print the results."""
    url, name, *counts = sys.argv[1:]
    log_to_stderr()  # a worker's logging costs time too, so it is measured; the output is discarded
    logging.getLogger().handlers[0].setStream(open(os.devnull, "w"))  # type: ignore[attr-defined]  # noqa: SIM115
    renew = way(name, url)
    freeze_gc()
    for count in map(int, counts):
        make_due(url, count)
        began = time.monotonic()
        done = renew()
        seconds = time.monotonic() - began
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        print(json.dumps({"done": done, "seconds": seconds, "peak_mb": peak / 1024}), flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
