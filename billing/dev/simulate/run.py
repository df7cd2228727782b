"""Run a simulation from its first day to the verdict."""

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
from billing.dev.simulate.counted_apart import count_apart
from billing.dev.simulate.dates import Slot, moment, month_later, start_of
from billing.dev.simulate.environment import SimulatedInstallation
from billing.dev.simulate.faults import LEVELS, FaultPlan
from billing.dev.simulate.figures import Figures
from billing.dev.simulate.judge import Breach, Life, judge
from billing.dev.simulate.live import Crowd, SimulationStuck, WorkerPool, run_days
from billing.dev.simulate.memory import MemoryUse
from billing.dev.simulate.numbers_said import said_by
from billing.dev.simulate.owed_refunds import pay_owed
from billing.dev.simulate.reader_acts import ReaderActs, SimulatedReader
from billing.dev.simulate.scenarios import ActKind, Scenario, draw_scenario
from billing.reconcile.reconcile import reconcile
from billing.reports import doctor
from billing.reports.numbers import sections
from billing.reports.numbers.shape import NumbersPeriod, NumbersQuestion

FIRST_DAY = date(2027, 1, 1)
QUIET_DAYS = 4
"""Days at the end without acts and faults, so that late work is completed."""
DIFFERENCES = f"""SELECT kind, subject, what FROM staff_case
                  WHERE kind NOT IN ('dispute', 'fraud_warning', 'refund_failed', 'refunds_wait') AND subject NOT IN ({alarms.EXPECTED_CASES})
                  ORDER BY opened_at, id"""  # noqa: S608
"""Cases that mean a fault of the product: not those that banks cause, nor refunds that fail or wait for balance."""
NOT_RETURNED = "SELECT reader_id FROM staff_case WHERE kind = 'refund_failed'"
"""Readers whose bank refused a refund; staff pay it by other means."""
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class SimulationOptions:
    """The size, seed and fault level of a simulation."""

    readers: int
    months: int
    seed: int
    faults: str = "none"
    erased: int = 0
    """How many of a hundred readers close their account."""

    @property
    def last(self) -> date:
        """The last day with acts."""
        return month_later(FIRST_DAY, self.months) - _DAY


@dataclass
class SimulationVerdict:
    """The result; `broken` is empty if every promise was kept."""

    options: SimulationOptions
    figures: Figures = field(default_factory=Figures)
    broken: list[str] = field(default_factory=list)
    answers: Counter[tuple[ActKind, str]] = field(default_factory=Counter)
    struck: Counter[str] = field(default_factory=Counter)
    storms: list[date] = field(default_factory=list)
    deaths: Counter[str] = field(default_factory=Counter)
    logged: Counter[str] = field(default_factory=Counter)
    mail: dict[str, int] = field(default_factory=dict)
    charges: int = 0
    cents: int = 0
    counted_apart: int = 0
    """How many of the numbers were compared with a count of their own."""
    seconds: float = 0
    cpu_seconds: float = 0
    peak: int = 0

    def repeatable(self) -> dict[str, Any]:
        """The figures that the same seed must give again."""
        answers = sorted((f"{kind}: {answer}", count) for (kind, answer), count in self.answers.items())
        return self.figures.end | {"answers": answers, "charges": self.charges, "cents": self.cents}


def gather(options: SimulationOptions) -> list[SimulatedReader]:
    """All readers with their scenarios."""
    numbers = range(options.readers)
    scenarios = (
        draw_scenario(options.seed, number, FIRST_DAY, options.last, options.erased) for number in numbers
    )
    return [SimulatedReader(scenario, _life(scenario)) for scenario in scenarios]


def _life(scenario: Scenario) -> Life:
    card = scenario.card
    return Life(
        scenario.number,
        scenario.plan,
        scenario.unreachable,
        chargeable=card.chargeable,
        refundable=card.refundable,
    )


def simulate(
    options: SimulationOptions,
    progress: Callable[[int, int], None] = lambda _done, _all: None,
    interfere: Callable[[SimulatedInstallation, date], None] = lambda _installation, _on: None,
    record: Path | None = None,
) -> SimulationVerdict:
    """Run and judge a simulation. `progress` gets the done and all days. `interfere` is called each morning; tests plant faults with it.
    `record` is a file to which the sandbox writes every exchange with Stripe's API as JSON lines."""
    began, memory, verdict = time.monotonic(), MemoryUse(), SimulationVerdict(options)
    days = [FIRST_DAY + _DAY * n for n in range((options.last - FIRST_DAY).days + 1)]
    crowd, level = Crowd(gather(options)), LEVELS[options.faults]
    with SimulatedInstallation(start_of(FIRST_DAY), options.seed, level.mail, record) as installation:
        faults = FaultPlan(installation.sandbox, installation.send_to_relay, level, options.seed)
        workers, acts = WorkerPool(installation), ReaderActs(installation, answers=verdict.answers)

        def each_morning(on: date) -> None:
            interfere(installation, on)
            pay_owed(installation.services, workers.now())
            memory.sample()
            progress((on - FIRST_DAY).days + 1, len(days) + QUIET_DAYS)

        try:
            run_days(workers, acts, crowd, faults, days, each_morning)
            faults.calm(workers.now())
            verdict.mail = installation.send_to_relay("calm")
            for on in (options.last + _DAY * n for n in range(1, QUIET_DAYS + 1)):
                workers.advance_to(moment(on, Slot.ROUNDS))
                workers.settle(workers.now())
                each_morning(on)
            verdict.broken += _examine(installation.services, workers.now())
        except SimulationStuck as stuck:
            verdict.broken.append(str(stuck))
        memory.sample(now=True)
        charges = SandboxCharges(installation.sandbox, installation.key, faults.skew, acts.deleted)
        _judge(installation, crowd, charges, workers.now(), verdict)
        _count_apart(installation.services, crowd, charges, workers.now(), verdict)
        _add_figures(installation, workers, faults, verdict)
        memory.sample(now=True)
    verdict.seconds, verdict.cpu_seconds = time.monotonic() - began, memory.cpu_seconds
    verdict.peak = memory.peak
    return verdict


def _examine(services: Services, at: datetime) -> list[str]:
    """Run the doctor once more, compare the books from the first day to yesterday, and sum the ledger."""
    with services.database.transaction() as session:
        expected = alarms.expected(session)
    findings = doctor.examine(services.database, services.site, at)
    broken = [
        f"doctor: {finding.promise.name} can't be asked: {finding.unasked}"
        for finding in findings
        if finding.unasked
    ]
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
        broken += [f"reconcile: {difference.what}" for difference in report.differences]
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
    """Check the sandbox's charges against the calendar, reader by reader."""
    with installation.services.database.transaction() as session:
        staff_know = set(session.execute(sa.text(NOT_RETURNED)).scalars())
    found: list[Breach] = []
    for reader in crowd.readers:
        number = reader.scenario.number
        for objected in charges.objections.get(number, []):
            reader.life.record(objected, ActKind.DISPUTE)
        taken = charges.taken.get(number, [])
        found += judge(reader.life, taken, at, staff_know=reader.reader_id in staff_know)
    verdict.broken += [f"reader {breach.number}: {breach.what}" for breach in found]
    verdict.charges = sum(map(len, charges.taken.values()))
    verdict.cents = sum(charge.cents for taken in charges.taken.values() for charge in taken)


def _count_apart(
    services: Services, crowd: Crowd, charges: SandboxCharges, at: datetime, verdict: SimulationVerdict
) -> None:
    """Compare the numbers of all days before today with a count from what readers did and the sandbox charged."""
    period = NumbersPeriod(FIRST_DAY, services.site.today(at) - _DAY)
    with services.database.transaction() as session:
        found = sections.count(NumbersQuestion(session, services.site, period, at))
    lives = [reader.life for reader in crowd.readers]
    counted = count_apart(lives, charges.taken, start_of(period.last + _DAY))
    verdict.counted_apart = len(counted.named)
    verdict.broken += counted.differences(said_by(found))


def _add_figures(
    installation: SimulatedInstallation, workers: WorkerPool, faults: FaultPlan, verdict: SimulationVerdict
) -> None:
    with installation.services.database.transaction() as session:
        found = verdict.figures = figures.read(session, FIRST_DAY, verdict.options.last)
        cases = session.execute(sa.text(DIFFERENCES)).all()
    verdict.struck, verdict.storms = faults.struck, faults.storms
    verdict.deaths, verdict.logged = workers.deaths, workers.logged
    verdict.broken += [f"case {kind}: {what}" for kind, _, what in cases]
    verdict.broken += [f"the doctor found {n} things broken on {on}" for on, n in found.doctor.items() if n]
    started = min(
        (on for on, count in zip(found.days, found.states["trialing"], strict=True) if count), default=None
    )
    missed = [
        on for on in found.days if started is not None and on > started + _DAY and on not in found.doctor
    ]
    verdict.broken += [f"the doctor did not come on {on}" for on in missed]
    verdict.broken += [f"the books differed on {on}" for on, n in found.differences.items() if n]
    verdict.broken += [f"a worker's log: {words}" for words in workers.tracebacks]
