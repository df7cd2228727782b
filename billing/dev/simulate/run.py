"""A simulated life from its first day to the verdict."""

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from billing.container import Services
from billing.dev.simulate import alarms, figures
from billing.dev.simulate.charges_at_sandbox import SandboxCharges
from billing.dev.simulate.dates import Slot, moment, month_later, start_of
from billing.dev.simulate.environment import SimulatedInstallation
from billing.dev.simulate.faults import LEVELS, FaultPlan
from billing.dev.simulate.figures import Figures
from billing.dev.simulate.judge import Breach, Life, judge
from billing.dev.simulate.live import Crowd, LifeIsStuck, WorkerPool, live
from billing.dev.simulate.memory import MemoryUse
from billing.dev.simulate.reader_acts import ReaderActs, SimulatedReader
from billing.dev.simulate.scenarios import ActKind, Scenario, draw_scenario
from billing.reconcile.reconcile import reconcile
from billing.reports import doctor

FIRST_DAY = date(2027, 1, 1)
QUIET_DAYS = 4
"""Days at the end on which nobody does anything and nothing fails, so that what is late arrives."""
DIFFERENCES = f"""SELECT kind, subject, what FROM staff_case
                  WHERE kind NOT IN ('dispute', 'fraud_warning', 'refund_failed', 'refunds_wait') AND subject NOT IN ({alarms.EXPECTED_CASES})
                  ORDER BY opened_at, id"""  # noqa: S608
"""Cases that mean that something is wrong: not what banks do, nor a refund that a card refuses or that waits for balance."""
NOT_RETURNED = "SELECT reader_id FROM staff_case WHERE kind = 'refund_failed'"
"""Readers whose bank didn't let money come back: staff are to pay it by other means."""
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class SimulationOptions:
    """What is simulated."""

    readers: int
    months: int
    seed: int
    faults: str = "none"

    @property
    def last(self) -> date:
        """The last day on which anybody does anything."""
        return month_later(FIRST_DAY, self.months) - _DAY


@dataclass
class SimulationVerdict:
    """What was found; `broken` is empty when every promise was kept."""

    wanted: SimulationOptions
    figures: Figures = field(default_factory=Figures)
    broken: list[str] = field(default_factory=list)
    answers: Counter[tuple[ActKind, str]] = field(default_factory=Counter)
    struck: Counter[str] = field(default_factory=Counter)
    storms: list[date] = field(default_factory=list)
    deaths: Counter[str] = field(default_factory=Counter)
    said: Counter[str] = field(default_factory=Counter)
    mail: dict[str, int] = field(default_factory=dict)
    charges: int = 0
    cents: int = 0
    seconds: float = 0
    cpu_seconds: float = 0
    peak: int = 0

    def repeatable(self) -> dict[str, Any]:
        """What the same seed must give again."""
        answers = sorted((f"{wish}: {answer}", count) for (wish, answer), count in self.answers.items())
        return self.figures.end | {"answers": answers, "charges": self.charges, "cents": self.cents}


def gather(wanted: SimulationOptions) -> list[SimulatedReader]:
    """Everybody, with what they will do."""
    fates = (draw_scenario(wanted.seed, number, FIRST_DAY, wanted.last) for number in range(wanted.readers))
    return [SimulatedReader(fate, _life(fate)) for fate in fates]


def _life(fate: Scenario) -> Life:
    card = fate.card
    return Life(fate.number, fate.plan, fate.deaf, works=card.works, takes_back=card.takes_back)


def simulate(
    wanted: SimulationOptions,
    progress: Callable[[int, int], None] = lambda _done, _all: None,
    meddle: Callable[[SimulatedInstallation, date], None] = lambda _installation, _on: None,
    record: Path | None = None,
) -> SimulationVerdict:
    """Live, and judge. `progress` is told of days; `meddle` may do mischief of its own each morning, to see it found; `record`
    is a file to which the sandbox writes every exchange with Stripe's API, a JSON line each."""
    began, memory, verdict = time.monotonic(), MemoryUse(), SimulationVerdict(wanted)
    days = [FIRST_DAY + _DAY * n for n in range((wanted.last - FIRST_DAY).days + 1)]
    crowd, level = Crowd(gather(wanted)), LEVELS[wanted.faults]
    with SimulatedInstallation(start_of(FIRST_DAY), wanted.seed, level.mail, record) as installation:
        faults = FaultPlan(installation.sandbox, installation.tell_relay, level, wanted.seed)
        works, acts = WorkerPool(installation), ReaderActs(installation, answers=verdict.answers)

        def over(on: date) -> None:
            meddle(installation, on)
            memory.look()
            progress((on - FIRST_DAY).days + 1, len(days) + QUIET_DAYS)

        try:
            live(works, acts, crowd, faults, days, over)
            faults.calm(works.now())
            verdict.mail = installation.tell_relay("calm")
            for on in (wanted.last + _DAY * n for n in range(1, QUIET_DAYS + 1)):
                works.reach(moment(on, Slot.ROUNDS))
                works.settle(works.now())
                over(on)
            verdict.broken += _examine(installation.services, works.now())
        except LifeIsStuck as stuck:
            verdict.broken.append(str(stuck))
        memory.look(now=True)
        charges = SandboxCharges(installation.sandbox, installation.key, faults.skew, acts.deleted)
        _judge(installation, crowd, charges, works.now(), verdict)
        _tell(installation, works, faults, verdict)
        memory.look(now=True)
    verdict.seconds, verdict.cpu_seconds = time.monotonic() - began, memory.cpu_seconds
    verdict.peak = memory.peak
    return verdict


def _examine(services: Services, at: datetime) -> list[str]:
    """The doctor once more, both books from the first day to yesterday, and the sum of the ledger."""
    with services.database.transaction() as session:
        expected = alarms.expected(session)
    findings = doctor.examine(services.database, services.site, at)
    broken = [f"doctor: {one.promise.name} can't be asked: {one.unasked}" for one in findings if one.unasked]
    broken += [
        f"doctor: {finding.promise.name}: {' '.join(example)}"
        for finding in findings
        for example in finding.examples
        if f"{finding.promise.name}:{example[0]}" not in expected
    ]
    first = FIRST_DAY
    while first < services.site.today(at):
        last = min(first + timedelta(days=6), services.site.today(at) - _DAY)
        report = reconcile(services.reconcile_context, first, last, at)
        broken += [f"reconcile: {one.what}" for one in report.differences]
        first = last + _DAY
    with services.database.transaction() as session:
        total = session.execute(sa.text("SELECT coalesce(sum(amount), 0) FROM ledger_entry")).scalar_one()
    return [*broken, *([f"the ledger sums to {total} cents"] if total else [])]


def _judge(
    installation: SimulatedInstallation,
    crowd: Crowd,
    charges: SandboxCharges,
    at: datetime,
    verdict: SimulationVerdict,
) -> None:
    """The sandbox's list of charges against the calendar, reader by reader."""
    with installation.services.database.transaction() as session:
        staff_know = set(session.execute(sa.text(NOT_RETURNED)).scalars())
    found: list[Breach] = []
    for who in crowd.people:
        objected = charges.objections.get(who.fate.number)
        if objected is not None:
            who.life.note(objected, ActKind.DISPUTE)
        taken = charges.taken.get(who.fate.number, [])
        found += judge(who.life, taken, at, staff_know=who.reader_id in staff_know)
    verdict.broken += [f"reader {one.number}: {one.what}" for one in found]
    verdict.charges = sum(map(len, charges.taken.values()))
    verdict.cents = sum(one.cents for taken in charges.taken.values() for one in taken)


def _tell(
    installation: SimulatedInstallation, works: WorkerPool, faults: FaultPlan, verdict: SimulationVerdict
) -> None:
    wanted = verdict.wanted
    with installation.services.database.transaction() as session:
        told = verdict.figures = figures.read(session, FIRST_DAY, wanted.last)
        cases = session.execute(sa.text(DIFFERENCES)).all()
    verdict.struck, verdict.storms = faults.struck, faults.storms
    verdict.deaths, verdict.said = works.deaths, works.said
    verdict.broken += [f"case {kind}: {what}" for kind, _, what in cases]
    verdict.broken += [f"the doctor found {n} things broken on {on}" for on, n in told.doctor.items() if n]
    started = min(
        (on for on, one in zip(told.days, told.states["trialing"], strict=True) if one), default=None
    )
    missed = [on for on in told.days if started is not None and on > started + _DAY and on not in told.doctor]
    verdict.broken += [f"the doctor did not come on {on}" for on in missed]
    verdict.broken += [f"the books differed on {on}" for on, n in told.reckoned.items() if n]
    verdict.broken += [f"a worker's log: {words}" for words in works.tracebacks]
