"""Minutes at seven tenths of one process's capacity, while readers start, pay, cancel and withdraw. No answer is
wrong or missing.

`MASTHEAD_LOAD_SECONDS=600` makes it as long as a busy morning.
"""

import json
import os
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from typing import Any

import pytest

from billing.access_cache.change_listener import LEASE
from tests.access_cache.moving import A_SECOND
from tests.access_cache.serving import do, furnish, serving
from tests.support.proof_size import only_at_length

SECONDS = float(os.environ.get("MASTHEAD_LOAD_SECONDS", "40"))
SHARE = 0.7
STILL, MOVING = 20_000, 2_000
NEWCOMERS = int(SECONDS * A_SECOND / 3)


@dataclass(frozen=True, slots=True)
class Change:
    """A reader's act. Between `began` and `done` both the old and the new answer are true."""

    began: float
    done: float
    reason: str


def program(name: str, *args: object) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", f"tests.access_cache.{name}", *map(str, args)],
        stdout=subprocess.PIPE,
        text=True,
    )


def output(process: "subprocess.Popen[str]") -> str:
    out, _ = process.communicate(timeout=SECONDS + 240)
    assert process.returncode == 0
    return out


def ask(url: str, seconds: float, movers: int, *rate: float) -> dict[str, Any]:
    said: dict[str, Any] = json.loads(output(program("page_load", url, seconds, STILL, movers, *rate)))
    assert said["failed"] == []
    assert said["wrong"] == []
    return said


def wrong(moving: list[list[Any]], committed: dict[int, list[Change]], first: dict[int, str]) -> list[str]:
    """Answers that were true at no moment between one lease before the request and the answer."""
    found = []
    for whose, asked, answered, reason in moving:
        known = committed.get(whose, [])
        true = set()
        for number, change in enumerate(known):
            ends = known[number + 1].done if number + 1 < len(known) else float("inf")
            if change.began <= answered and asked - LEASE <= ends:
                true.add(change.reason)
        if not known or asked - LEASE <= known[0].done:
            true.add(first[whose])
        if reason not in true:
            found.append(f"reader {whose}: {reason}, and true was {sorted(true)}")
    return found


def test_an_answer_is_wrong_only_once_the_lease_is_over() -> None:
    committed = {1: [Change(10, 11, "trial"), Change(20, 21, "subscribe")]}
    first = {1: "register"}
    right = [
        [1, 9, 9.1, "register"],
        [1, 11.9, 12, "register"],
        [1, 10.5, 10.6, "trial"],
        [1, 21.9, 22, "trial"],
    ]
    assert wrong(right, committed, first) == []
    stale = [
        [1, 12.1, 12.2, "register"],
        [1, 9, 9.5, "trial"],
        [1, 22.1, 22.2, "trial"],
        [1, 30, 31, "register"],
    ]
    assert len(wrong(stale, committed, first)) == len(stale)


@only_at_length
@pytest.mark.prove
def test_no_answer_is_wrong_or_missing_under_load(database_url: str) -> None:
    movers = MOVING + NEWCOMERS
    furnish(database_url, STILL + movers)
    do(database_url, f"DELETE FROM subscription WHERE reader_id >= 'rdr_{STILL + MOVING:026d}'")
    do(
        database_url,
        "INSERT INTO recognition_mark (id, through, next_at) VALUES (1, current_date, now() + interval '1 day')",
    )
    with serving(database_url) as client:
        url = str(client.base_url)
        ask(url, 4, 0)  # who reads comes into memory
        most = ask(url, 4, 0)["a_second"]
        moving = program("moving", database_url, SECONDS, STILL, MOVING, NEWCOMERS)
        try:
            said = ask(url, SECONDS, movers, SHARE * most)
            lines = [json.loads(line) for line in output(moving).splitlines()]
        finally:
            moving.kill()
    committed: dict[int, list[Change]] = {}
    for whose, began, done, reason, _ in sorted(lines, key=lambda line: line[1]):
        committed.setdefault(whose, []).append(Change(began, done, reason))
    first = {STILL + n: "subscription" if n < MOVING else "subscribe" for n in range(movers)}
    found = wrong(said["moving"], committed, first)
    kinds = Counter(line[4] for line in lines)
    print(  # noqa: T201 - what a person who runs it by hand wants to know
        f"{said['asked']:,} answers, {said['a_second']:,.0f} a second of at most {most:,.0f}; p50 {said['p50_ms']:.1f} ms,"
        f" p99 {said['p99_ms']:.1f} ms; {dict(kinds)}; {len(said['moving']):,} about those who moved, {len(found)} wrong"
    )
    assert found == []
    assert min(kinds[kind] for kind in ("start", "pay", "cancel", "withdraw")) > SECONDS
