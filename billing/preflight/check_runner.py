"""The checks for a page: one run at a time in a process, and an answer after some seconds whatever they wait for."""

from collections.abc import Callable
from contextvars import copy_context
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from threading import Lock, Thread

from billing.platform.errors import Conflict
from billing.preflight.check_result import CheckResult
from billing.preflight.context import Preflight
from billing.preflight.order import CHECKS, check_results

PATIENCE_SECONDS = 45.0
"""For all checks together: proxies commonly wait 60 seconds for an answer. Each check has time limits of its own besides."""
Named = tuple[str, CheckResult]


class ChecksAreRunning(Conflict):
    """The checks are running already. Wait until they are done, and try again."""

    code = "checks_are_running"


@dataclass(frozen=True, slots=True)
class CheckedSettings:
    """The results that came in time, each with the name of its check, and the checks that gave none."""

    results: tuple[Named, ...]
    unfinished: tuple[str, ...] = ()


@dataclass(frozen=True)
class CheckRunner:
    """`connect` makes what the checks look at, as for `billing check`: with connections of their own, and no transaction of the caller's."""

    connect: Callable[[], Preflight]
    _running: Lock = field(default_factory=Lock)

    def run(self, seconds: float = PATIENCE_SECONDS) -> CheckedSettings:
        """Check everything. Raises ChecksAreRunning, also while a run goes on that was not waited for."""
        if not self._running.acquire(blocking=False):
            raise ChecksAreRunning
        found: SimpleQueue[Named | Exception | None] = SimpleQueue()
        try:
            given = self.connect()
            # the end of the process doesn't wait for it; a call to the acquirer counts for the thread that started it
            context, work = copy_context(), (self._check, given, found)
            Thread(target=context.run, args=work, daemon=True, name="checks").start()
        except BaseException:
            self._running.release()
            raise
        return _collect(given, found, seconds)

    def _check(self, given: Preflight, found: "SimpleQueue[Named | Exception | None]") -> None:
        end: Exception | None = None
        try:
            for each in check_results(given):
                found.put(each)
        except Exception as error:  # raised again by the thread that waits
            end = error
        finally:
            given.close()
            self._running.release()
            found.put(end)


def _collect(
    given: Preflight, found: "SimpleQueue[Named | Exception | None]", seconds: float
) -> CheckedSettings:
    results: list[Named] = []
    until = given.monotonic.seconds() + seconds
    while True:
        try:
            one = found.get(timeout=max(until - given.monotonic.seconds(), 0))
        except Empty:
            names = {name for name, _ in results}
            return CheckedSettings(tuple(results), tuple(name for name in CHECKS if name not in names))
        if one is None:
            return CheckedSettings(tuple(results))
        if isinstance(one, Exception):
            raise one
        results.append(one)
