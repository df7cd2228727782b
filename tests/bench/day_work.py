"""A worker's process of the day's run: `python -m tests.bench.day_work URL run|settle|worker [SMTP_URL]`, or `… charge SANDBOX_URL`.

`run` bills and `settle` settles webhooks once for each line on standard input; for each a line of JSON says what it took.
`worker` is the whole worker, with all its queues, until it is terminated. The acquirer answers at once. `charge` bills too, and asks
the sandbox."""

import json
import logging
import os
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from sqlmodel import Session

from billing import worker
from billing.app import build
from billing.billing_run.run import run
from billing.container import Services
from billing.platform.gc_tuning import freeze_gc
from billing.platform.logs import log_to_stderr
from billing.platform.time_limits import Work, doing
from billing.webhooks.settle import settle_due
from tests.bench.crowd import AT
from tests.bench.renew import Taking
from tests.support.installation import settings_for
from tests.support.one_acquirer import only


class FixedClock:
    """A clock that stands on the day of the crowd. It costs no query, unlike a held one."""

    def now(self) -> datetime:
        """The instant at which all is due."""
        return AT

    def now_in(self, session: Session) -> datetime:
        """The same."""
        return AT


def services_of(url: str, smtp_url: str = "smtp://127.0.0.1:25") -> Services:
    """A worker's services, with an acquirer that answers at once."""
    return replace(_services(url, smtp_url=smtp_url), acquirers=only(Taking(0)))


def _services(url: str, **more: str) -> Services:
    settings = settings_for(url, clock="system", **more)
    built = build(settings, connections=worker.connections(settings), work=Work.RUN)
    return replace(built, clock=FixedClock())


def work_of(services: Services, name: str) -> Callable[[], int]:
    """What is done at each line; it returns how much was done."""
    if name == "settle":
        return lambda: settle_due(services.webhook_context, AT)
    return lambda: run(services.run_context, AT).counts["charged"]


def main() -> None:
    """Work and print the results."""
    url, name, *asked = sys.argv[1:]
    log_to_stderr()  # a worker's logging costs time too; the output is discarded
    logging.getLogger().handlers[0].setStream(open(os.devnull, "w"))  # type: ignore[attr-defined]  # noqa: SIM115
    services = _services(url, stripe_api_base=asked[0]) if name == "charge" else services_of(url, *asked)
    if name == "worker":
        worker.work(services)
        return
    work = work_of(services, name)
    freeze_gc()
    _say("ready")
    for _ in sys.stdin:
        began, used = time.monotonic(), time.process_time()
        with doing(Work.RUN):
            done = work()
        seconds, cpu = time.monotonic() - began, time.process_time() - used
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        _say(json.dumps({"done": done, "seconds": seconds, "cpu": cpu, "peak_mb": peak}))


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
