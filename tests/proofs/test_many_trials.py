"""Many trials and sixty days with two workers: each reader is charged and mailed by the calendar."""

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, date, datetime
from email import message_from_bytes
from threading import Event
from typing import Any

import httpx
import pytest

from tests.proofs.crowd import (
    CANCELLED_LATER,
    LAST_MINUTE,
    MONEY_CAME,
    PAYS,
    START,
    Crowd,
    gather,
)
from tests.support import ledger_checks
from tests.support.polling import eventually
from tests.support.proof_size import sized
from tests.support.worker_processes import StartWorker
from tests.support.world import ZONE, World, local

CLIENTS = 8


def start_all(world: World, crowd: Crowd) -> None:
    """Eight clients start the list's trials together, and each gets the right answer."""
    with ThreadPoolExecutor(CLIENTS) as clients:
        answers = list(clients.map(lambda order: world.try_trial(*order), crowd.orders))
    for (email, _), answer in zip(crowd.orders, answers, strict=True):
        if email in crowd.outcomes:
            assert answer.status_code == 201, f"{email}: {answer.text}"
        elif email in crowd.declined:
            assert answer.status_code == 402, f"{email}: {answer.text}"
            assert answer.json()["code"] == "card_declined"
    first = len(crowd.outcomes)
    for number, rivals in enumerate(crowd.rivals):
        pair = answers[first + 2 * number : first + 2 * number + 2]
        _check_rivals(pair)
        winner = rivals[0] if pair[0].status_code == 201 else rivals[1]
        crowd.outcomes[winner[0]] = PAYS


def _check_rivals(pair: list[httpx.Response]) -> None:
    assert sorted(answer.status_code for answer in pair) == [201, 409], [answer.text for answer in pair]
    refusal = next(answer.json()["code"] for answer in pair if answer.status_code == 409)
    assert refusal in ("trial_used", "already_subscribed")


def report_cards(world: World, kind: str, reason: str | None) -> None:
    """Decline the cards of this kind of readers for the reason. None ends that."""
    cards = "SELECT m.gateway_ref FROM payment_method m JOIN reader r ON r.id = m.reader_id WHERE r.email LIKE :kind"
    for row in world.rows(cards, kind=f"{kind}-%"):
        world.sandbox.decline(row["gateway_ref"], reason)


def cancel_all(world: World, kind: str) -> None:
    """Every reader of this kind cancels, now, eight at once."""
    rows = world.rows(
        "SELECT s.id FROM subscription s JOIN reader r ON r.id = s.reader_id WHERE r.email LIKE :kind",
        kind=f"{kind}-%",
    )
    with ThreadPoolExecutor(CLIENTS) as clients:
        answers = list(clients.map(lambda row: world.api.post(f"/v1/subscriptions/{row['id']}/cancel"), rows))
    assert all(answer.status_code == 200 for answer in answers)


def live_sixty_days(world: World, size: int) -> Crowd:
    """All start on one morning, and sixty days go by."""
    crowd = gather(world, size)
    start_all(world, crowd)
    report_cards(world, "payday", "insufficient_funds")
    report_cards(world, "stops", "revocation_of_authorization")
    world.advance_to(LAST_MINUTE)
    assert world.charges() == []
    cancel_all(world, "quits")
    world.advance_to(MONEY_CAME)
    report_cards(world, "payday", None)
    world.advance_to(CANCELLED_LATER)
    cancel_all(world, "leaves")
    world.advance_to(local(2027, 3, 17, 10))
    return crowd


def check_charges(world: World, crowd: Crowd) -> None:
    """At the sandbox: for each reader the charges and declines of their calendar, on their days, of R75 each."""
    emails = {row["id"]: row["email"] for row in world.rows(
        "SELECT a.id, r.email FROM attempt a JOIN invoice i ON i.id = a.invoice_id JOIN reader r ON r.id = i.reader_id"
    )}  # fmt: skip
    seen: dict[tuple[str, bool], list[date]] = {}
    for charge in reversed(world.sandbox.charges()):
        assert charge["amount"] == 7500
        key = emails[charge["metadata"]["attempt"]], charge["status"] == "succeeded"
        seen.setdefault(key, []).append(
            datetime.fromtimestamp(charge["created"], UTC).astimezone(ZONE).date()
        )
    expected = {
        (email, well): days
        for email, outcome in crowd.outcomes.items()
        for well, days in ((True, outcome.charged), (False, outcome.refused))
        if days
    }
    assert seen == expected


def check_ends(world: World, crowd: Crowd) -> None:
    """Check the books: one subscription in the right state for each reader who started, and none for the others."""
    rows = world.rows(
        "SELECT r.email, s.state, s.ended_at, s.period_number FROM subscription s JOIN reader r ON r.id = s.reader_id"
    )
    assert Counter(row["email"] for row in rows) == Counter(crowd.outcomes.keys())
    for row in rows:
        outcome = crowd.outcomes[row["email"]]
        assert row["state"] == outcome.state, row["email"]
        assert _to_the_hour(row["ended_at"]) == outcome.ended_at, row["email"]
        assert row["period_number"] == len(outcome.charged), row["email"]


def _to_the_hour(at: datetime | None) -> datetime | None:
    """Where Stripe must be asked again, events happen some minutes later."""
    return None if at is None else at.astimezone(ZONE).replace(minute=0, second=0, microsecond=0)


def check_invoices(world: World, crowd: Crowd) -> None:
    """Tax invoices have the day of their charge. Unpaid ones have no number."""
    rows = world.rows(
        "SELECT r.email, i.state, i.issued_on FROM invoice i JOIN reader r ON r.id = i.reader_id ORDER BY i.number"
    )
    paid = [(row["email"], row["issued_on"]) for row in rows if row["state"] == "paid"]
    assert Counter(paid) == Counter(
        (email, on) for email, outcome in crowd.outcomes.items() for on in outcome.charged
    )
    owed = Counter(row["email"] for row in rows if row["state"] != "paid")
    assert owed == Counter(
        email for email, outcome in crowd.outcomes.items() if outcome.refused and not outcome.charged
    )
    assert {row["state"] for row in rows} <= {"paid", "void"}


def check_mails(world: World, crowd: Crowd, *, killed: bool) -> None:
    """In the mailboxes: each reader's mails, each once, and none for those who never started. If a worker is killed between
    the relay's answer and our mark, the mail is sent again under its Message-ID.
    """
    expected = {
        (email, kind): times
        for email, outcome in crowd.outcomes.items()
        for kind, times in outcome.mails.items()
    }
    rows = world.rows(
        "SELECT recipient, kind, count(*) AS times FROM message WHERE state = 'accepted' GROUP BY 1, 2"
    )
    assert {(row["recipient"], row["kind"]): row["times"] for row in rows} == expected
    assert world.rows("SELECT id FROM message WHERE state <> 'accepted'") == []
    arrived = [
        (mail.recipients[0], message_from_bytes(mail.raw)["Message-ID"]) for mail in world.smtp.received
    ]
    times = Counter(email for email, _ in (set(arrived) if killed else arrived))
    assert times == Counter({email: sum(outcome.mails.values()) for email, outcome in crowd.outcomes.items()})


def check_all(world: World, crowd: Crowd, *, killed: bool = False) -> None:
    """Everything that must be so at the end of the sixty days."""
    check_charges(world, crowd)
    check_ends(world, crowd)
    check_invoices(world, crowd)
    check_mails(world, crowd, killed=killed)
    ledger_checks.check(world)


@pytest.mark.prove
def test_many_trials_and_sixty_days_with_two_workers(
    make_world: Callable[..., World], start_worker: StartWorker
) -> None:
    world = make_world(START, dispute_answer_days=0)
    workers = [start_worker(world).ready() for _ in range(2)]
    crowd = live_sixty_days(world, CROWD)
    assert len(crowd.outcomes) == CROWD
    check_all(world, crowd)
    for worker in workers:
        assert worker.alive, worker.words
        worker.stop()
        assert "ERROR" not in worker.words, worker.words


SOME = 25
"""Calls to Stripe, between two kills."""
CROWD = sized(at_length=200, usual=50)
FAULTS: list[dict[str, Any]] = [
    {"effect": "reset", "when": "after", "nth": 4, "times": 12},
    {"effect": "cut", "nth": 40, "times": 8},
    {"effect": "429", "nth": 70, "times": 12},
    {"effect": "500_after", "nth": 110, "times": 12},
    {"effect": "reset", "when": "before", "nth": 150, "times": 12},
    {"effect": "timeout_after", "seconds": 1, "nth": 190, "times": 6},
]
"""Where each begins among the charges of two hundred, and how many it hits."""
LATE_AND_TWICE: list[dict[str, Any]] = [
    {"effect": "double", "copies": 5, "times": 400},
    {"effect": "delay", "seconds": 86_400, "times": 400},
    {"effect": "drop", "type": "payment_intent.*", "times": 100},
    {"effect": "reorder"},
]
"""Among the events of two hundred: those of sign-up come five times or a day late, and none that ends a subscription is late."""


@pytest.mark.prove
def test_many_trials_in_foul_weather(make_world: Callable[..., World], start_worker: StartWorker) -> None:
    """The same with lost answers of Stripe, late, doubled and reordered events, and a worker killed now and then. The
    calendar is right to the day.
    """
    world = make_world(START, dispute_answer_days=0)
    charges = {"method": "POST", "path": "/v1/payment_intents"}
    world.sandbox.faults(*({**charges, **rule, **_for_the_crowd(rule)} for rule in FAULTS))
    world.sandbox.trouble(*({**rule, **_for_the_crowd(rule)} for rule in LATE_AND_TWICE))
    start_worker(world).ready()
    with relieved(world, start_worker):
        crowd = live_sixty_days(world, CROWD)
    for faults in ("faults", "trouble"):
        hits = [rule["hit"] for rule in world.sandbox.http.get(f"/_sandbox/{faults}").json()[faults]]
        assert all(hits), (faults, hits)
    check_all(world, crowd, killed=True)


def _for_the_crowd(rule: dict[str, Any]) -> dict[str, int]:
    return {name: max(1, rule[name] * CROWD // 200) for name in ("nth", "times") if name in rule}


@contextmanager
def relieved(world: World, start_worker: StartWorker) -> Iterator[None]:
    """During the block, run one worker after another, and kill each after some requests to Stripe."""
    over = Event()

    def relieve() -> int:
        killed = 0
        while not over.is_set():
            worker, enough = start_worker(world).ready(), len(world.sandbox.exchanges) + SOME
            eventually(lambda enough=enough: over.is_set() or len(world.sandbox.exchanges) > enough)  # type: ignore[misc]
            worker.kill()
            killed += 1
        return killed

    with ThreadPoolExecutor(1) as elsewhere:
        killing = elsewhere.submit(relieve)
        try:
            yield
        finally:
            over.set()
        assert killing.result() > 2
