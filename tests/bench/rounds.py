"""Rounds of several cases in turn (A B C A B C …), so that a changing machine affects all alike. The result is the median of rounds.

A round in which other processes took more than `MOST_NEIGHBOURS` of the machine is disturbed: it is repeated a bounded number of
times, and then kept and marked."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median

import click

from tests.bench.load_client import Answers
from tests.bench.machine import CORES, Snapshot, load_average

MOST_NEIGHBOURS = 0.15
"""Share of all cores. Interrupts of the loopback network belong to no process, and take up to 0.06 in a full round."""


@dataclass(frozen=True, slots=True)
class Case:
    """What is measured in a round.

    `work` sends the requests. `charged`: the processes whose CPU is counted, with all below them. What else the benchmark started
    isn't counted, and is no neighbour."""

    work: Callable[[], Answers]
    charged: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Round:
    """One round of a case. `cpu`: seconds of the charged processes. `neighbours`: share of all cores. Latencies in milliseconds;
    `p99`: of a typical tenth of a second."""

    a_second: float
    a_cpu_second: float
    p99: float
    load_before: float
    neighbours: float

    @property
    def is_disturbed(self) -> bool:
        """Whether others took too much of the machine."""
        return self.neighbours > MOST_NEIGHBOURS

    @property
    def words(self) -> str:
        """One line."""
        mark = ", disturbed" if self.is_disturbed else ""
        return (
            f"{self.a_second:,.0f} answers/s, {self.a_cpu_second:,.0f} a CPU second, p99 {self.p99:.2f} ms;"
            f" neighbours {self.neighbours:.0%}{mark}"
        )


@dataclass(frozen=True, slots=True)
class Measured:
    """All rounds of a case, and how many more were repeated."""

    rounds: Sequence[Round] = field(default_factory=list)
    repeated: int = 0

    def median(self, what: Callable[[Round], float]) -> float:
        """The median of rounds."""
        return median(what(one) for one in self.rounds)

    @property
    def a_second(self) -> float:
        """Answers a second."""
        return self.median(lambda one: one.a_second)

    @property
    def a_cpu_second(self) -> float:
        """Answers per second of the charged processes' CPU."""
        return self.median(lambda one: one.a_cpu_second)

    @property
    def p99(self) -> float:
        """Milliseconds."""
        return self.median(lambda one: one.p99)

    @property
    def words(self) -> str:
        """What the machine did otherwise."""
        shares = [one.neighbours for one in self.rounds]
        disturbed = sum(one.is_disturbed for one in self.rounds)
        kept = f", {disturbed} kept though disturbed" if disturbed else ""
        return (
            f"{len(self.rounds)} rounds, {self.repeated} repeated{kept}; neighbours {median(shares):.0%}"
            f" ({min(shares):.0%} to {max(shares):.0%}), load before {self.median(lambda one: one.load_before):.1f}"
        )


def in_turn(cases: Mapping[str, Case], rounds: int) -> dict[str, Measured]:
    """Measure so many rounds of each case, and half as many more of those that were disturbed."""
    kept: dict[str, list[Round]] = {name: [] for name in cases}
    repeated = dict.fromkeys(cases, 0)
    for number in range(rounds):
        for name, case in cases.items():
            one = one_round(case)
            while is_repeated(one, repeated[name], rounds):
                repeated[name] += 1
                one = one_round(case)
            kept[name].append(one)
            click.echo(f"  round {number + 1}: {name}: {one.words}", err=True)
    return {name: Measured(kept[name], repeated[name]) for name in cases}


def is_repeated(one: Round, repeated: int, rounds: int) -> bool:
    """Whether a round is measured again, after so many repeats among these rounds of a case."""
    return one.is_disturbed and repeated < (rounds + 1) // 2


def one_round(case: Case) -> Round:
    """Measure one round. The machine's busy time without that of the benchmark's processes is the neighbours'."""
    load = load_average()
    before = Snapshot.take()
    answers = case.work()
    after = Snapshot.take()

    def used(roots: tuple[int, ...]) -> float:
        return after.seconds_of(roots) - before.seconds_of(roots)

    machine = after.machine_seconds - before.machine_seconds
    everyone = used((os.getpid(),))
    return Round(
        a_second=answers.a_second,
        a_cpu_second=answers.count / max(used(case.charged), 1e-9),
        p99=answers.typical_p99,
        load_before=load,
        neighbours=max(0.0, machine - everyone) / (CORES * answers.seconds),
    )
