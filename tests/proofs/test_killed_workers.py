"""`kill -9` at the worst moments. After a restart there is one charge, one payment and one receipt, as without the
kill.
"""

import random
import signal
from collections.abc import Callable
from typing import Any

import pytest

from tests.proofs.many_readers import due_once
from tests.support import ledger_checks
from tests.support.fork_server import Crash, ForkServer, Order
from tests.support.polling import until
from tests.support.proof_size import SEED, only_at_length
from tests.support.worker_processes import StartWorker, Worker, quiet
from tests.support.world import World, local

EMAIL = "reader-0@example.com"
AFTER = local(2027, 3, 18, 12)


def on_the_day(world: World, *, readers: int = 1) -> list[dict[str, Any]]:
    """Trials with notices, at the moment of their first charge, before any work on it."""

    due_once(world, readers)
    assert world.charges() == []
    return world.rows(
        "SELECT s.id AS subscription_id, r.id AS reader_id, r.email FROM subscription s JOIN reader r ON r.id = s.reader_id"
    )


def restart(world: World, start_worker: StartWorker) -> None:
    """A new worker does what is left to do."""
    worker = start_worker(world).ready()
    until(lambda: quiet(world), "the new worker to finish")
    world.sandbox.settle()
    until(lambda: quiet(world), "the news of what it did")
    worker.stop()
    assert "ERROR" not in worker.words, worker.words


def test_a_stop_asked_for_during_the_start_waits_for_its_end(world: World, start_worker: StartWorker) -> None:
    """During the start there is nothing yet that can be stopped properly."""
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    try:
        worker = start_worker(world)  # which inherits that it comes later
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    worker.stop()
    assert "the worker looks every" in worker.words
    assert "Traceback" not in worker.words


def charged_once(world: World, started: list[dict[str, Any]], *, copies: int | None = 1) -> None:
    """Each reader has one charge, one payment, one receipt, and is active. `copies` of a mail may exist, all with one
    Message-ID. None: any number.
    """
    ledger_checks.check(world)
    receipts: dict[str, list[str]] = {}
    for letter in world.letters():
        if "Tax invoice" in letter.text:
            receipts.setdefault(letter.recipient, []).append(dict(letter.headers)["Message-ID"])
    for one in started:
        assert len(world.charges(of=one["reader_id"])) == 1
        assert world.subscription(one["subscription_id"])["status"] == "active"
        names = receipts[one["email"]]
        assert len(set(names)) == 1
        assert copies is None or len(names) == copies


@pytest.fixture
def undisturbed(make_world: Callable[..., World]) -> dict[str, Any]:
    """The final state without a kill. The world is restored afterwards."""
    world = make_world()

    def live() -> dict[str, Any]:
        started = on_the_day(world)
        world.settle()
        charged_once(world, started)
        world.advance_to(AFTER)
        return ledger_checks.end_state(world)

    state = world.once("a first charge and two days in which nobody is killed", live)
    make_world()
    return state


@pytest.mark.parametrize(
    ("stop_at", "attempt", "at_the_sandbox", "receipts"),
    [
        ("charge.intended", "open", 0, 0),
        ("charge.answered", "open", 1, 0),
        ("charge.settled", "charged", 1, 1),
    ],
)
def test_killed_between_intent_call_and_settle(
    world: World,
    crash: Crash,
    undisturbed: dict[str, Any],
    stop_at: str,
    attempt: str,
    at_the_sandbox: int,
    receipts: int,
) -> None:
    started = on_the_day(world)
    world.sandbox.trouble({"effect": "drop", "type": "payment_intent.*"})  # no webhook may come to our help
    crash(stop_at)
    assert [row["state"] for row in world.rows("SELECT state FROM attempt")] == [attempt]
    assert len(world.charges()) == at_the_sandbox
    assert len(world.rows("SELECT id FROM message WHERE kind = 'receipt'")) == receipts
    assert world.access(world.articles["subscriber"][0], started[0]["reader_id"])["allowed"]

    world.settle()
    charged_once(world, started)
    world.advance_to(AFTER)
    assert ledger_checks.end_state(world) == undisturbed


@pytest.mark.prove
@pytest.mark.parametrize("effect", ["slow", "timeout_after"])
def test_killed_while_stripe_is_being_asked(
    world: World, start_worker: StartWorker, undisturbed: dict[str, Any], effect: str
) -> None:
    started = on_the_day(world)
    world.sandbox.trouble({"effect": "drop", "type": "payment_intent.*"})
    world.sandbox.faults({"effect": effect, "method": "POST", "path": "/v1/payment_intents", "seconds": 60})
    worker = start_worker(world)
    until(
        lambda: world.sandbox.http.get("/_sandbox/faults").json()["faults"][0]["hit"], "the charge to be sent"
    )
    worker.kill()
    assert [row["state"] for row in world.rows("SELECT state FROM attempt")] == ["open"]
    world.sandbox.faults()

    restart(world, start_worker)
    if world.rows(
        "SELECT id FROM attempt WHERE state = 'open'"
    ):  # the old call was still on its way: asked again later
        world.advance(minutes=1)
    charged_once(world, started)
    world.advance_to(AFTER)
    assert _without_moments(ledger_checks.end_state(world)) == _without_moments(undisturbed)


def _without_moments(state: dict[str, Any]) -> dict[str, Any]:
    return {
        name: [{key: value for key, value in row.items() if key not in ("paid_at", "at")} for row in rows]
        for name, rows in state.items()
        if name not in ("charges", "returned")
    }


def test_the_webhook_settles_what_a_killed_worker_left(
    world: World, crash: Crash, undisturbed: dict[str, Any]
) -> None:
    started = on_the_day(world)
    world.sandbox.trouble(
        {"effect": "drop", "type": "charge.*"}, {"effect": "drop", "type": "payment_intent.created"}
    )
    crash("charge.answered")
    world.sandbox.settle()
    crash("event.settled")
    assert [row["state"] for row in world.rows("SELECT state FROM attempt")] == ["charged"]

    world.settle()
    charged_once(world, started)
    world.advance_to(AFTER)
    assert ledger_checks.end_state(world) == undisturbed


@pytest.mark.parametrize(("stop_at", "copies"), [("mail.claimed", 1), ("mail.sent", 2)])
def test_killed_around_a_mail(
    world: World, crash: Crash, undisturbed: dict[str, Any], stop_at: str, copies: int
) -> None:
    started = on_the_day(world)
    crash(stop_at)
    world.settle()
    charged_once(world, started, copies=copies)  # twice is better than never, and one to a mail program
    world.advance_to(AFTER)
    assert ledger_checks.end_state(world) == undisturbed


@pytest.mark.parametrize(("stop_at", "at_the_sandbox"), [("refund.intended", 0), ("refund.answered", 1)])
def test_killed_around_a_refund(world: World, crash: Crash, stop_at: str, at_the_sandbox: int) -> None:
    started = on_the_day(world)
    world.settle()
    world.sandbox.trouble({"effect": "drop", "type": "refund.*"})
    payment = world.rows("SELECT id FROM payment")[0]["id"]
    answer = world.api.post(f"/v1/payments/{payment}/refunds", json={"amount": 2500, "reason": "A kindness."})
    assert answer.status_code == 201, answer.text
    crash(stop_at)
    assert len(world.sandbox.refunds()) == at_the_sandbox
    assert world.rows("SELECT state, credit_note_number FROM refund") == [
        {"state": "intended", "credit_note_number": None}
    ]

    world.settle()
    charged_once(world, started)
    assert [(refund["amount"], refund["status"]) for refund in world.sandbox.refunds()] == [
        (2500, "succeeded")
    ]
    assert world.rows("SELECT state, credit_note_number FROM refund") == [
        {"state": "succeeded", "credit_note_number": 1}
    ]
    assert [letter.subject for letter in world.letters(EMAIL) if "CN-000001" in letter.text] != []


def test_killed_between_asking_for_the_card_and_starting_the_trial(world: World, crash: Crash) -> None:
    browser = world.browser()
    browser.start(EMAIL, come_back=False)
    world.sandbox.settle()
    crash("setup.fetched")
    assert world.rows("SELECT id FROM subscription") == []

    world.settle()
    ledger_checks.check(world)
    assert [row["state"] for row in world.rows("SELECT state FROM subscription")] == ["trialing"]
    assert len(world.letters(EMAIL)) == 1
    assert world.rows("SELECT state FROM card_setup") == [{"state": "done"}]


def kill_when_charged(world: World, worker: Worker, charges: int) -> None:
    """Run a worker until it has made some charges, or no work is left."""
    until(lambda: not worker.alive or quiet(world) or len(world.charges()) >= charges, "charges to be made")
    worker.kill()


def crash_again_and_again(
    world: World, start_worker: StartWorker, fork_server: ForkServer, *, readers: int, kills: int, seed: int
) -> None:
    """Many readers are due at once. Every worker is killed, at a stop point or at any moment, except the last."""
    draw = random.Random(seed)
    started = on_the_day(world, readers=readers)
    points = ["charge.intended", "charge.answered", "charge.settled", "mail.sent", "event.settled"]
    for _ in range(kills):
        if draw.random() < 0.5:
            kill_when_charged(world, start_worker(world).ready(), len(world.charges()) + draw.randint(0, 3))
        elif not quiet(world):
            fork_server.live(Order(None, draw.choice(points), draw.randint(1, 3)))
    restart(world, start_worker)
    charged_once(world, started, copies=None)
    assert len(world.charges()) == readers


@pytest.mark.prove
def test_killed_three_times_among_thirty_charges(
    world: World, start_worker: StartWorker, fork_server: ForkServer
) -> None:
    crash_again_and_again(world, start_worker, fork_server, readers=30, kills=3, seed=SEED)


@only_at_length
@pytest.mark.prove
@pytest.mark.parametrize("more", range(3))
def test_killed_again_and_again_among_many_charges(
    world: World, start_worker: StartWorker, fork_server: ForkServer, more: int
) -> None:
    crash_again_and_again(world, start_worker, fork_server, readers=120, kills=10, seed=SEED + more)
