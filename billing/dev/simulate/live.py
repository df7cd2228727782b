"""Run the simulated days: move the clock from one due job to the next, and let readers act in between."""

import logging
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from multiprocessing.connection import Connection, wait

import httpx

from billing.dev import time_travel
from billing.dev.simulate.dates import Slot, moment
from billing.dev.simulate.environment import SimulatedInstallation
from billing.dev.simulate.faults import FaultPlan
from billing.dev.simulate.reader_acts import ReaderActs, SimulatedReader
from billing.dev.simulate.scenarios import PlannedAct
from billing.dev.simulate.worker_processes import WorkerReport

LOOK = timedelta(minutes=10)
"""How often the workers look for due work."""
MOMENT_SECONDS = 0.03
"""How long an idle worker waits while another works."""
MOST_ROUNDS = 5000
log = logging.getLogger(__name__)


class SimulationStuck(Exception):
    """Due work isn't getting done."""


@dataclass
class WorkerPool:
    """The worker processes. They look for work on command; one that dies is replaced."""

    installation: SimulatedInstallation
    deaths: Counter[str] = field(default_factory=Counter)
    logged: Counter[str] = field(default_factory=Counter)
    tracebacks: list[str] = field(default_factory=list)
    armed: str | None = None

    def arm(self, stop_at: str) -> None:
        """Let the last worker die at this stop point."""
        self.installation.workers[-1].send(stop_at)
        self.armed = stop_at

    def advance_to(self, at: datetime) -> None:
        """Move the clock to `at`, doing all work due before. Work due at `at` itself is left for `settle`."""
        now = self.now()
        while (due := self.settle(now)) is not None and (step := _next_look(due)) < at:
            time_travel.move(self.installation.services, step)
            now = step
        time_travel.move(self.installation.services, at)

    def now(self) -> datetime:
        """The held clock's time."""
        return self.installation.services.clock.now()

    def settle(self, now: datetime) -> datetime | None:
        """Work until nothing is due and no webhook is under way; return when the next work is due. Raises SimulationStuck.

        One worker looks once more after the webhooks have arrived, to be sure that nothing is left."""
        due = None
        for _ in range(MOST_ROUNDS):
            self._work()
            sandbox = self.installation.sandbox.post("/_sandbox/settle")
            if sandbox.status_code == httpx.codes.GATEWAY_TIMEOUT:
                continue
            self.installation.workers[0].send()
            report = self._report(0)
            due = report.due
            if not report.done and (due is None or due > now):
                next_at = sandbox.raise_for_status().json()["next"]
                at_sandbox = datetime.fromtimestamp(next_at, UTC) if next_at is not None else None
                return min((at for at in (due, at_sandbox) if at is not None), default=None)
        raise SimulationStuck(f"something is due at {now} and isn't getting done: {due}")

    def _work(self) -> None:
        """Let all workers look, and idle ones again as long as any works: one's work may create work for another."""
        working, idle = set[int](), set(range(len(self.installation.workers)))
        while idle:
            for place in idle:
                self.installation.workers[place].send()
            working, idle = working | idle, set()
            while working and (answered := self._answered(working, MOMENT_SECONDS if idle else None)):
                for place in answered:
                    if self._report(place).done:
                        self.installation.workers[place].send()
                    else:
                        working.remove(place)
                        idle.add(place)
            if not working:
                return

    def _answered(self, working: set[int], seconds: float | None) -> list[int]:
        """Wait for the first answers; return their workers, or none after `seconds`."""
        connections = {self.installation.workers[place].connection: place for place in working}
        ready = wait(connections, seconds)
        return [connections[connection] for connection in ready if isinstance(connection, Connection)]

    def _report(self, place: int) -> WorkerReport:
        """A worker's report. A dead worker counts as having done work, and is replaced."""
        report = self.installation.workers[place].receive()
        if report is None:
            self.deaths[self.armed or "by itself"] += 1
            self.armed = None
            self.installation.workers[place].end()
            self.installation.workers[place] = self.installation.worker()
            return WorkerReport(1, None)
        assert isinstance(report, WorkerReport)
        self.logged.update(dict(report.errors))
        self.tracebacks += report.tracebacks
        return report


def _next_look(due: datetime) -> datetime:
    """When the workers look next, at or after an instant."""
    midnight = due.replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight + -(-(due - midnight) // LOOK) * LOOK


@dataclass
class Crowd:
    """All readers, and their acts by day."""

    readers: list[SimulatedReader]
    plans: dict[date, list[tuple[Slot, int, PlannedAct]]] = field(default_factory=lambda: defaultdict(list))

    def __post_init__(self) -> None:
        for reader in self.readers:
            for act in reader.scenario.acts:
                self.plans[act.on].append((act.slot, reader.scenario.number, act))


def run_days(
    workers: WorkerPool,
    acts: ReaderActs,
    crowd: Crowd,
    faults: FaultPlan,
    days: Sequence[date],
    each_morning: Callable[[date], None],
) -> None:
    """Run all days. `each_morning` is called after the doctor's visit and the comparison of the books."""
    for on in days:
        workers.advance_to(moment(on, Slot.ROUNDS))
        workers.settle(workers.now())
        each_morning(on)
        if stop_at := faults.dies_at(on):
            workers.arm(stop_at)
        faults.morning(on, workers.now())
        _run_day(workers, acts, crowd, faults, on)


def _run_day(workers: WorkerPool, acts: ReaderActs, crowd: Crowd, faults: FaultPlan, on: date) -> None:
    """Run one day, stopping the clock only where a reader acts or a storm ends."""
    plans = sorted(crowd.plans.get(on, []), key=lambda plan: (plan[0], plan[1]))
    slots = {slot for slot, _, _ in plans} | ({Slot.AFTERNOON} if faults.storms[-1:] == [on] else set())
    for slot in sorted(slots):
        at = moment(on, slot)
        workers.advance_to(at)
        if slot == Slot.AFTERNOON:
            faults.afternoon(on)
        acts.do_all([(crowd.readers[number], act) for when, number, act in plans if when == slot], at)
