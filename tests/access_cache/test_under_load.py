"""A paper's hour, while fifty readers a second start, pay, cancel and withdraw: at seven tenths of what one process answers beside
them at most. No answer is wrong or missing.

`MASTHEAD_LOAD_SECONDS=600` makes it as long as a busy morning.
"""

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import pytest

from billing.access_cache.change_listener import LEASE
from tests.access_cache.moving import A_SECOND
from tests.access_cache.serving import do
from tests.bench.access_cases import AccessCases
from tests.bench.load_client import LoadClient, as_expected
from tests.bench.paper_hour import HourVisitors, PaperHour
from tests.bench.publisher import Publisher, publisher
from tests.bench.requests import Ask, Browser, access_line, signed_in
from tests.bench.web_process import serving
from tests.support.proof_size import SEED, sized

SECONDS = float(os.environ.get("MASTHEAD_LOAD_SECONDS", sized(at_length=40, usual=5)))
SHARE = 0.7
OF_MOVERS = 0.1
"""The share of requests about readers whose rights change."""
MOVING = int(sized(at_length=2_000, usual=300))
STILL = 300 + int(50 * SECONDS)
ON_METERS = 300 + int(50 * SECONDS)
STRANGERS = 2_000 + int(1_000 * SECONDS)
GIFTS = 25
SEARCH_SECONDS = sized(at_length=10, usual=2)
"""For finding the maximum."""
NEWCOMERS = int((SEARCH_SECONDS + SECONDS) * A_SECOND / 3)


@dataclass(frozen=True, slots=True)
class Change:
    """A reader's act. Between `began` and `done` both the old and the new answer are true."""

    began: float
    done: float
    reason: str


@dataclass(frozen=True, slots=True)
class Seen:
    """An answer about a reader whose rights change: when it was requested and when it came."""

    whose: int
    sent: float
    answered: float
    reason: str


@dataclass
class Judge:
    """Checks answers. Those about readers who move are kept: what was true is known later."""

    moving: list[Seen] = field(default_factory=list)

    def __call__(self, ask: Ask, data: bytes, sent: float, answered: float, /) -> bool:
        if ask.whose < 0:
            return as_expected(ask, data, sent, answered)
        reason = data.partition(b'"reason":"')[2].partition(b'"')[0].decode()
        self.moving.append(Seen(ask.whose, sent, answered, reason))
        return data.startswith(b"200", 9)


def wrong(moving: list[Seen], committed: dict[int, list[Change]], first: dict[int, str]) -> list[str]:
    """Answers that were true at no moment between one lease before the request and the answer."""
    found = []
    for seen in moving:
        known = committed.get(seen.whose, [])
        true = set()
        for number, change in enumerate(known):
            ends = known[number + 1].done if number + 1 < len(known) else float("inf")
            if change.began <= seen.answered and seen.sent - LEASE <= ends:
                true.add(change.reason)
        if not known or seen.sent - LEASE <= known[0].done:
            true.add(first[seen.whose])
        if seen.reason not in true:
            found.append(f"reader {seen.whose}: {seen.reason}, and true was {sorted(true)}")
    return found


def test_an_answer_is_wrong_only_once_the_lease_is_over() -> None:
    committed = {1: [Change(10, 11, "trial"), Change(20, 21, "subscribe")]}
    first = {1: "register"}
    right = [
        Seen(1, 9, 9.1, "register"),
        Seen(1, 11.9, 12, "register"),
        Seen(1, 10.5, 10.6, "trial"),
        Seen(1, 21.9, 22, "trial"),
    ]
    assert wrong(right, committed, first) == []
    stale = [
        Seen(1, 12.1, 12.2, "register"),
        Seen(1, 9, 9.5, "trial"),
        Seen(1, 22.1, 22.2, "trial"),
        Seen(1, 30, 31, "register"),
    ]
    assert len(wrong(stale, committed, first)) == len(stale)


@pytest.mark.prove
@pytest.mark.timeout(300 + 3 * SECONDS)
def test_no_answer_is_wrong_or_missing_under_load(tmp_path: Path) -> None:
    with publisher(tmp_path, STILL + MOVING, NEWCOMERS + ON_METERS) as house:
        do(
            house.environ["BILLING_DATABASE_URL"],
            "INSERT INTO recognition_mark (id, through, next_at) VALUES (1, current_date, now() + interval '1 day')",
        )
        with serving("gate", house.environ) as process:
            changes, seen = run_the_hour(process.url, house)
    committed: dict[int, list[Change]] = {}
    for whose, began, done, reason, _ in sorted(changes, key=lambda line: line[1]):
        committed.setdefault(whose, []).append(Change(began, done, reason))
    first = {
        whose: "subscription" if whose in house.subscribers else "subscribe" for whose in movers_of(house)
    }
    kinds = Counter(change for *_, change in changes)
    found = wrong(seen, committed, first)
    print(f"{dict(kinds)}; {len(seen):,} answers about those who moved, {len(found)} wrong")  # noqa: T201
    assert found == []
    assert seen
    assert min(kinds[kind] for kind in ("start", "pay", "cancel", "withdraw")) > SECONDS


Line = tuple[int, float, float, str, str]
"""A change, as `tests.access_cache.moving` prints it."""


def run_the_hour(url: str, house: Publisher) -> tuple[list[Line], list[Seen]]:
    """Find the maximum beside the changes, then run at a share of it. Raises WrongAnswer."""
    judge, cases = Judge(), AccessCases(house, SEED)
    client = LoadClient(url, judge)
    client.at_full(cases.everyone())
    hour = with_movers(iter(the_hour(house, cases.gifts(url, client, GIFTS))), house)
    moving = start_moving(house)
    try:
        most = client.at_full(hour, SEARCH_SECONDS).a_second
        answers = client.at_rate(hour, SHARE * most, SECONDS, SEED)
        lines: list[Line] = [json.loads(line) for line in output(moving).splitlines()]
    finally:
        moving.kill()
    print(  # noqa: T201 - what a person who runs it by hand wants to know
        f"{answers.count:,} answers, {answers.a_second:,.0f} a second of at most {most:,.0f};"
        f" p50 {answers.latency(0.5):.1f} ms, p99 {answers.latency(0.99):.1f} ms"
    )
    return lines, judge.moving


def movers_of(house: Publisher) -> range:
    """The last subscribers and the first registered readers."""
    return range(STILL, len(house.subscribers) + NEWCOMERS)


def the_hour(house: Publisher, gifts: list[tuple[Browser, str]]) -> PaperHour:
    """The hour of those who don't move."""
    still, on_meters = house.subscribers[:STILL], house.registered[NEWCOMERS:]
    return PaperHour(house.articles, HourVisitors(still, on_meters, STRANGERS, gifts), seed=SEED)


def with_movers(hour: Iterator[Ask], house: Publisher) -> Iterator[Ask]:
    """The hour, and requests of those who move."""
    random, movers = Random(SEED), {whose: signed_in(whose) for whose in movers_of(house)}
    while True:
        if random.random() < OF_MOVERS:
            whose = random.choice(movers_of(house))
            yield Ask(access_line(f"article-{random.randrange(100)}"), movers[whose], b"", whose=whose)
        else:
            yield next(hour)


def start_moving(house: Publisher) -> "subprocess.Popen[str]":
    """The process that changes rows."""
    given = house.environ["BILLING_DATABASE_URL"], SEARCH_SECONDS + SECONDS, STILL, MOVING, NEWCOMERS
    command = [sys.executable, "-m", "tests.access_cache.moving", *map(str, given)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def output(process: "subprocess.Popen[str]") -> str:
    out, _ = process.communicate(timeout=SECONDS + 240)
    assert process.returncode == 0
    return out
