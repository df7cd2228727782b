"""Lives through the days: the clock is moved from one thing that is due to the next, and what readers do is done in between."""

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
"""How often the workers look: what falls due in between is done at the next look."""
MOMENT_SECONDS = 0.03
"""How long a worker that found nothing to do rests while another is at work."""
MOST_ROUNDS = 5000
log = logging.getLogger(__name__)


class LifeIsStuck(Exception):
    """Something that is due isn't getting done."""


@dataclass
class WorkerPool:
    """The workers, driven: they look when they are told, and one that dies is replaced."""

    installation: SimulatedInstallation
    deaths: Counter[str] = field(default_factory=Counter)
    said: Counter[str] = field(default_factory=Counter)
    tracebacks: list[str] = field(default_factory=list)
    armed: str | None = None

    def arm(self, stop_at: str) -> None:
        """Let one of the workers, the last, be one that dies at this point."""
        self.installation.workers[-1].ask(stop_at)
        self.armed = stop_at

    def reach(self, at: datetime) -> None:
        """Let it become `at`, with all that falls due until then done; what is due at that very instant is left for `settle`."""
        now = self.now()
        while (due := self.settle(now)) is not None and (step := _next_look(due)) < at:
            time_travel.move(self.installation.services, step)
            now = step
        time_travel.move(self.installation.services, at)

    def now(self) -> datetime:
        """The held present."""
        return self.installation.services.clock.now()

    def settle(self, now: datetime) -> datetime | None:
        """Work until nothing is due any more and no webhook is on its way; when the next thing is due. Raises Stuck.

        That nothing is left is seen by one of them, after the webhooks have come."""
        due = None
        for _ in range(MOST_ROUNDS):
            self._work()
            sandbox = self.installation.sandbox.post("/_sandbox/settle")
            if sandbox.status_code == httpx.codes.GATEWAY_TIMEOUT:
                continue
            self.installation.workers[0].ask()
            look = self._look(0)
            due = look.due
            if not look.done and (due is None or due > now):
                ahead = sandbox.raise_for_status().json()["next"]
                theirs = datetime.fromtimestamp(ahead, UTC) if ahead is not None else None
                return min((one for one in (due, theirs) if one is not None), default=None)
        raise LifeIsStuck(f"something is due at {now} and isn't getting done: {due}")

    def _work(self) -> None:
        """All look, and each again as long as any is at work: what one has done may be something to do for another."""
        looking, resting = set[int](), set(range(len(self.installation.workers)))
        while resting:
            for place in resting:
                self.installation.workers[place].ask()
            looking, resting = looking | resting, set()
            while looking and (answered := self._answering(looking, MOMENT_SECONDS if resting else None)):
                for place in answered:
                    if self._look(place).done:
                        self.installation.workers[place].ask()
                    else:
                        looking.remove(place)
                        resting.add(place)
            if not looking:
                return

    def _answering(self, looking: set[int], seconds: float | None) -> list[int]:
        """Who has answered, as soon as somebody has; nobody when that takes longer."""
        lines = {self.installation.workers[place].line: place for place in looking}
        return [lines[line] for line in wait(lines, seconds) if isinstance(line, Connection)]

    def _look(self, place: int) -> WorkerReport:
        """A worker's answer. One that died has done something, and another takes its place."""
        look = self.installation.workers[place].answer()
        if look is None:
            self.deaths[self.armed or "by itself"] += 1
            self.armed = None
            self.installation.workers[place].end()
            self.installation.workers[place] = self.installation.worker()
            return WorkerReport(1, None)
        assert isinstance(look, WorkerReport)
        self.said.update(dict(look.errors))
        self.tracebacks += look.complaints
        return look


def _next_look(due: datetime) -> datetime:
    """The first look of the workers at or after an instant."""
    midnight = due.replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight + -(-(due - midnight) // LOOK) * LOOK


@dataclass
class Crowd:
    """Everybody, and what they do on which day."""

    people: list[SimulatedReader]
    plans: dict[date, list[tuple[Slot, int, PlannedAct]]] = field(default_factory=lambda: defaultdict(list))

    def __post_init__(self) -> None:
        for who in self.people:
            for act in who.fate.acts:
                self.plans[act.on].append((act.slot, who.fate.number, act))


def live(
    works: WorkerPool,
    acts: ReaderActs,
    crowd: Crowd,
    faults: FaultPlan,
    days: Sequence[date],
    over: Callable[[date], None],
) -> None:
    """Day after day; `over` is called each morning, when the doctor has been and the books were compared."""
    for on in days:
        works.reach(moment(on, Slot.ROUNDS))
        works.settle(works.now())
        over(on)
        if stop_at := faults.dies_at(on):
            works.arm(stop_at)
        faults.morning(on, works.now())
        _through(works, acts, crowd, faults, on)


def _through(works: WorkerPool, acts: ReaderActs, crowd: Crowd, faults: FaultPlan, on: date) -> None:
    """One day. Where nobody does anything, the clock doesn't stop."""
    plans = sorted(crowd.plans.get(on, []), key=lambda one: (one[0], one[1]))
    slots = {slot for slot, _, _ in plans} | ({Slot.AFTERNOON} if faults.storms[-1:] == [on] else set())
    for slot in sorted(slots):
        at = moment(on, slot)
        works.reach(at)
        if slot == Slot.AFTERNOON:
            faults.afternoon(on)
        acts.do_all([(crowd.people[number], act) for when, number, act in plans if when == slot], at)
