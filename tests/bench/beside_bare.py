"""Loads compared with a bare server's in the same run: at full load, and at seven tenths of each one's own maximum."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial

from tests.bench.figures import Figure
from tests.bench.load_client import CONNECTIONS, Answers, Check, LoadClient, as_expected
from tests.bench.requests import Ask
from tests.bench.rounds import Case, Measured, in_turn
from tests.bench.serve import BODY
from tests.bench.web_process import Process

BARE = "a bare app"
SHARE = 0.7
"""Of the maximum, at which p99 is compared."""
P99_BAR, P99_AIM = 3.0, 2.0


@dataclass(frozen=True, slots=True)
class Load:
    """Requests to one process. `database`: PostgreSQL's first process, where its CPU is the load's too.

    `bar` and `aim`: the ratios of answers per CPU second that are required and wanted, of the bare server's."""

    process: Process
    asks: Iterator[Ask]
    bar: float | None = None
    aim: float | None = None
    database: int | None = None
    check: Check = as_expected
    is_rival: bool = False
    """Another way to answer, of which nothing is required."""
    connections: int = CONNECTIONS

    def cases(self, seconds: float) -> tuple[Case, Case]:
        """A round at full load, and one at seven tenths of what the round before reached."""
        client = LoadClient(self.process.url, self.check, self.connections)
        charged = (self.process.pid, *((self.database,) if self.database else ()))
        reached = 0.0

        def at_full() -> Answers:
            nonlocal reached
            answers = client.at_full(self.asks, seconds)
            reached = answers.a_second
            return answers

        def steadily() -> Answers:
            return client.at_rate(self.asks, SHARE * reached, seconds)

        return Case(at_full, charged), Case(steadily, charged)


@dataclass(frozen=True, slots=True)
class Compared:
    """A load's rounds at full load, and at seven tenths of it."""

    full: Measured
    steady: Measured


def is_bare(ask: Ask, data: bytes, sent: float, answered: float) -> bool:
    """Whether it is the bare server's answer."""
    return data.startswith(b"200", 9) and data.endswith(BODY)


def is_ok(ask: Ask, data: bytes, sent: float, answered: float) -> bool:
    """Whether an answer has the status 200."""
    return data.startswith(b"200", 9)


def compare(loads: Mapping[str, Load], rounds: int, seconds: float) -> dict[str, Compared]:
    """Measure the loads in turn, each at full load and then at a steady rate."""
    pairs = {name: load.cases(seconds) for name, load in loads.items()}
    cases = {
        each: case
        for name, pair in pairs.items()
        for each, case in zip((name, _steady(name)), pair, strict=True)
    }
    found = in_turn(cases, rounds)
    return {name: Compared(found[name], found[_steady(name)]) for name in loads}


def _steady(name: str) -> str:
    return f"{name}, 70 % load"


def figures(
    part: str, loads: Mapping[str, Load], found: Mapping[str, Compared], bounds: Mapping[str, str]
) -> list[Figure]:
    """Four figures of each load beside those of the bare server. `bounds`: what limits a load, by its name."""
    bare = found[BARE]
    lines = []
    for name, load in loads.items():
        if name == BARE:
            continue
        one = partial(Figure, part, against=BARE)
        full, steady = found[name].full, found[name].steady
        unit = "answers/CPU s" + (" with PostgreSQL" if load.database else "")
        lines += [
            one(
                f"{name}, by CPU",
                ours=full.a_cpu_second,
                unit=unit,
                baseline=bare.full.a_cpu_second,
                bar=load.bar,
                aim=load.aim,
                bound=bounds.get(name, ""),
                machine=full.words,
            ),
            one(f"{name}, by the clock", ours=full.a_second, unit="answers/s", baseline=bare.full.a_second),
            one(f"{name}, p99 at full load", ours=full.p99, unit="ms", baseline=bare.full.p99, lower=True),
            one(
                f"{name}, p99 at 70 % load",
                ours=steady.p99,
                unit="ms",
                baseline=bare.steady.p99,
                bar=None if load.is_rival else P99_BAR,
                aim=None if load.is_rival else P99_AIM,
                lower=True,
                machine=steady.words,
            ),
        ]
    return lines
