"""A cancellation races a charge: nothing is charged, or the charge is refunded in full with one credit note."""

import random
from collections import Counter
from functools import partial
from threading import Event
from typing import Any

import httpx
import pytest

from billing.billing_run.context import RunReport
from billing.billing_run.run import run_for
from billing.platform import stop_points
from tests.proofs.many_readers import ROUNDS, all_of, cancel, due_once, kinds_of
from tests.proofs.steps import intend, send, settle_attempt, together
from tests.support import ledger_checks
from tests.support.world import World, local

POINTS = 40
"""Stop points that a charge and what follows it pass, and a few more."""


class Meeting:
    """A charge and a cancellation that begins after some stop points, during one of the charge's steps."""

    def __init__(self, points: int) -> None:
        self._left = points
        self._reached = Event()

    def charge(self, world: World, subscription_id: str) -> RunReport:
        """Charge what is due. The cancellation begins at its end at the latest."""
        stop_points.listen(self._pass)
        try:
            return run_for(world.services.run_context, subscription_id, world.now)
        finally:
            stop_points.listen(None)
            self._reached.set()

    def cancel(self, world: World, subscription_id: str) -> httpx.Response:
        """Cancel when the charge has come so far."""
        assert self._reached.wait(30)
        return cancel(world, subscription_id)

    def _pass(self, _: str) -> None:
        self._left -= 1
        if self._left <= 0:
            self._reached.set()


def how_they_ended(world: World) -> Counter[str]:
    """Each race, checked; the ways, counted."""
    taken = world.charges()
    return Counter(check_race_with_cancel(world, each, taken) for each in all_of(world))


def check_race_with_cancel(
    world: World, subscription_id: str, all_taken: list[dict[str, Any]] | None = None
) -> str:
    """Check that it ended in one of three complete ways, and return which."""
    reader = world.rows("SELECT reader_id FROM subscription WHERE id = :id", id=subscription_id)[0][
        "reader_id"
    ]
    attempts = world.rows("SELECT id FROM attempt WHERE subscription_id = :id", id=subscription_id)
    mine = {row["id"] for row in attempts}
    taken = [charge for charge in all_taken or world.charges() if charge["metadata"]["attempt"] in mine]
    refunds = world.rows("SELECT state, amount FROM refund WHERE reader_id = :reader", reader=reader)
    mails = kinds_of(world, subscription_id)
    status = world.subscription(subscription_id)["status"]
    if not taken:
        assert (status, refunds, mails) == ("ended", [], {"cancelled": 1})
        return "never charged"
    assert len(taken) == 1
    if refunds:
        assert refunds == [{"state": "succeeded", "amount": 7500}]
        assert (status, mails) == ("ended", {"cancelled": 1, "refunded": 1})
        return "returned"
    assert (status, mails) == ("active", {"receipt": 1, "cancelled": 1})
    return "cancelled later"


@pytest.mark.prove
@ROUNDS
def test_a_cancellation_as_the_charge_is_made(due_world: World, rounds: int) -> None:
    world, draw = due_world, random.Random(7)
    started = all_of(world)
    for subscription_id in started:
        meeting = Meeting(draw.randint(1, POINTS))
        report, answer = together(
            partial(meeting.charge, world, subscription_id),
            partial(meeting.cancel, world, subscription_id),
        )
        assert not isinstance(report, Exception), report
        assert answer.status_code == 200, answer.text
    world.settle()
    ledger_checks.check(world)
    ways = how_they_ended(world)
    assert sum(ways.values()) == rounds
    world.advance_to(local(2027, 4, 20))
    assert len(world.charges()) == rounds - ways["never charged"]
    assert world.rows("SELECT id FROM subscription WHERE state <> 'ended'") == []


def test_a_cancellation_while_the_charge_is_under_way(world: World) -> None:
    (subscription_id,) = due_once(world, 1)
    intend(world, subscription_id)
    attempt_id, answer = send(world, subscription_id)
    assert cancel(world, subscription_id).status_code == 200
    assert settle_attempt(world, attempt_id, answer) == "refunded"
    world.settle()
    ledger_checks.check(world)
    assert check_race_with_cancel(world, subscription_id) == "returned"
    assert world.rows("SELECT credit_note_number, reason FROM refund") == [
        {
            "credit_note_number": 1,
            "reason": "You cancelled before this charge was made, so it is returned in full.",
        }
    ]


@pytest.mark.rare
def test_a_cancellation_between_intent_and_call(world: World) -> None:
    (subscription_id,) = due_once(world, 1)
    intend(world, subscription_id)
    assert cancel(world, subscription_id).status_code == 200
    world.settle()
    assert check_race_with_cancel(world, subscription_id) == "never charged"
    assert world.sandbox.charges() == []
    assert world.rows(
        "SELECT a.state, i.state AS invoice FROM attempt a JOIN invoice i ON i.id = a.invoice_id"
    ) == [{"state": "not_sent", "invoice": "void"}]
    world.advance(days=60)
    assert world.sandbox.charges() == []
    ledger_checks.check(world)


def test_a_cancellation_after_the_worker_died_with_the_answer(world: World) -> None:
    (subscription_id,) = due_once(world, 1)
    intend(world, subscription_id)
    world.sandbox.trouble({"effect": "drop"})
    send(world, subscription_id)
    assert cancel(world, subscription_id).status_code == 200
    world.settle()
    ledger_checks.check(world)
    assert check_race_with_cancel(world, subscription_id) == "returned"


def test_a_cancellation_while_a_retry_is_under_way(world: World) -> None:
    (subscription_id,) = due_once(world, 1)
    card = world.rows("SELECT gateway_ref FROM payment_method")[0]["gateway_ref"]
    world.sandbox.decline(card, "insufficient_funds")
    world.settle()
    world.advance_to(local(2027, 3, 19, 8, 59))
    world.sandbox.decline(card, None)
    world.skip_to(local(2027, 3, 19, 9))
    intend(world, subscription_id)
    attempt_id, answer = send(world, subscription_id)
    assert cancel(world, subscription_id).json()["status"] == "ended"
    assert settle_attempt(world, attempt_id, answer) == "refunded"
    world.settle()
    ledger_checks.check(world)
    assert world.rows("SELECT state, amount FROM refund") == [{"state": "succeeded", "amount": 7500}]
    assert kinds_of(world, subscription_id) == {"payment_failed": 1, "cancelled": 1, "refunded": 1}


@pytest.mark.rare
def test_a_cancellation_as_the_card_says_no(world: World) -> None:
    (subscription_id,) = due_once(world, 1)
    world.sandbox.decline(
        world.rows("SELECT gateway_ref FROM payment_method")[0]["gateway_ref"], "insufficient_funds"
    )
    intend(world, subscription_id)
    attempt_id, answer = send(world, subscription_id)
    assert cancel(world, subscription_id).status_code == 200
    assert settle_attempt(world, attempt_id, answer) == "declined"
    world.advance(days=30)
    ledger_checks.check(world)
    assert len(world.sandbox.charges()) == 1
    assert kinds_of(world, subscription_id) == {"cancelled": 1}
    assert world.subscription(subscription_id)["status"] == "ended"
