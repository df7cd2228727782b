"""Benchmark of a night's work over the whole database: the doctor's promises, and a backup, among few paid months and among many.

Each subscription has been renewed once. CPU is PostgreSQL's, and for the backup also that of `pg_dump`."""

import resource
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from billing.backups.programs import DUMP, Programs
from billing.dev.postgres.binaries import INSTALLATION
from billing.platform.time_limits import Work, doing
from billing.reports import doctor
from billing.reports.promise import Promise
from tests.bench.crowd import AT, a_database, grow, live_through, make_due
from tests.bench.day_work import services_of
from tests.bench.figures import Figure
from tests.bench.workers import let_work, server_cpu, workers

PART = "nightly"
UNIT = "µs of CPU each"
BOUND = (
    "PostgreSQL reads whole tables, one promise after the other; a promise may take half an hour (Work.LONG)"
)


@dataclass(frozen=True, slots=True)
class Night:
    """What a night takes among so many: CPU seconds, the seconds of the slowest promise, and the bytes of the backup."""

    months: int
    doctor: float
    slowest: float
    slowest_name: str
    backup: float
    backup_bytes: int


def measure(quick: bool) -> list[Figure]:
    """The cost of each paid month, which should not grow with their number."""
    few, many = (100, 500) if quick else (2_000, 20_000)
    with a_database(durable=False) as url:
        live_through(url, 1)
        small, large = _night(url, few), _night(url, many, few)
    against = f"among {few:,}"

    def each(what: str, cost: Callable[[Night], float], unit: str, bound: str = "") -> Figure:
        mine, its = (cost(night) / night.months for night in (large, small))
        return Figure(
            PART, f"{what} among {many:,} months", mine, unit, its, against, lower=True, bound=bound
        )

    return [
        each("the doctor", lambda night: night.doctor * 1e6, UNIT, BOUND),
        each("a backup", lambda night: night.backup * 1e6, UNIT, "pg_dump compresses"),
        each("a backup's size", lambda night: night.backup_bytes, "bytes each"),
        Figure(
            PART, f"the slowest promise, {large.slowest_name}", large.slowest, "s", small.slowest, against
        ),
    ]


def _night(url: str, months: int, renewed: int = 0) -> Night:
    grow(url, months)
    make_due(url, months - renewed)
    with workers(url, "run", count=1) as processes:
        let_work(url, processes, months - renewed)
    services = services_of(url)
    moments: list[tuple[float, str]] = []

    def asking(promise: Promise) -> None:
        moments.append((time.monotonic(), promise.name))

    used = server_cpu(url)
    with doing(Work.LONG):
        doctor.examine(services.database, services.site, AT, asking)
    moments.append((time.monotonic(), ""))
    examined = server_cpu(url) - used
    slowest, name = max((after - before, name) for (before, name), (after, _) in pairwise(moments))
    with tempfile.TemporaryDirectory(prefix="masthead-bench-") as folder:
        target = Path(folder) / "database"
        began, used = _of_children(), server_cpu(url)
        Programs(INSTALLATION / "bin").run(DUMP, services.database, "--format=directory", f"--file={target}")
        own = _of_children() - began
        size = sum(path.stat().st_size for path in target.iterdir())
    services.database.close()
    return Night(months, examined, slowest, name, own + server_cpu(url) - used, size)


def _of_children() -> float:
    """CPU seconds of this process's children that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
