"""A dispute races a refund, or arrives twice at once, on two connections in any order."""

import threading
from collections.abc import Callable
from contextlib import suppress

import pytest

from billing.acquirer.evidence_port import EvidenceField
from billing.disputes import answer
from billing.disputes import settle as disputes
from billing.payments import dispute_limits
from billing.payments.dispute_models import Dispute
from billing.payments.models import Invoice, Payment
from billing.platform.actors import Command, StaffActor
from billing.refunds import refund
from billing.staff import answer_disputes
from billing.subscriptions.change import lock
from tests.support.world import World, local

ROUNDS = 24


def at_once(*calls: Callable[[], None]) -> None:
    """Run each in its own thread, started together. Raise here what one raises."""
    gate = threading.Barrier(len(calls))
    failed: list[BaseException] = []

    def do(call: Callable[[], None]) -> None:
        gate.wait()
        try:
            call()
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=do, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise failed[0]


def settle(world: World, ref: str) -> Callable[[], None]:
    """One caller of the settling."""
    services = world.services
    return lambda: (
        disputes.settle_dispute(services.database, services.gateway, services.site, ref, world.now),
        None,
    )[1]


def give_back(world: World, payment_id: str) -> Callable[[], None]:
    """A refund by staff, which may come too late."""

    def call() -> None:
        with world.services.database.begin(world.services.site, world.now, Command("test")) as ctx:
            payment = ctx.session.get_one(Payment, payment_id)
            lock(ctx.session, ctx.session.get_one(Invoice, payment.invoice_id).subscription_id)
            with suppress(dispute_limits.ChargeDisputed):
                dispute_limits.refuse_taken(ctx.session, payment)
                refund.intend(ctx, payment, amount=None, cause=f"test:{payment_id}", reason="kind")

    return call


@pytest.mark.prove
def test_a_dispute_and_a_refund_at_once_never_pay_twice(world: World) -> None:
    for number in range(ROUNDS):
        world.start_trial(f"reader{number}@example.com", f"pm_card_visa__{number}")
    world.advance_to(local(2027, 3, 16, 12))
    payments = world.rows("SELECT id, charge_ref FROM payment")
    assert len(payments) == ROUNDS
    world.sandbox.trouble({"type": "charge.dispute.*", "effect": "drop"})
    for row in payments:
        made = world.sandbox.banks("dispute", charge=row["charge_ref"])
        once, again = settle(world, made["id"]), settle(world, made["id"])
        at_once(once, give_back(world, row["id"]), again)
    world.settle()
    assert len(world.rows("SELECT id FROM dispute")) == ROUNDS
    assert [one for one in world.sandbox.refunds() if one["status"] == "succeeded"] == []
    assert world.rows("SELECT id FROM refund WHERE state <> 'failed'") == []
    failed = world.rows("SELECT id FROM refund")
    cases = world.rows("SELECT kind, count(*) AS n FROM staff_case GROUP BY kind")
    wanted = {"dispute": ROUNDS} | ({"refund_failed": len(failed)} if failed else {})
    assert {row["kind"]: row["n"] for row in cases} == wanted
    taken = world.rows("SELECT sum(amount) AS cents FROM ledger_entry WHERE account = 'disputes'")
    assert taken[0]["cents"] == ROUNDS * 7500
    mails = world.rows("SELECT count(*) AS n FROM message WHERE kind = 'disputed'")
    assert mails[0]["n"] == ROUNDS


@pytest.mark.prove
def test_two_workers_and_a_member_at_once_send_one_answer(world: World) -> None:
    for number in range(ROUNDS // 2):
        world.start_trial(f"reader{number}@example.com", f"pm_card_createDispute__{number}")
    world.advance_to(local(2027, 3, 16, 12))
    services, house = world.services, world.services.sender.house
    member = StaffActor("finance@paper.example")
    world.skip_to(local(2027, 3, 24, 12))

    def work() -> None:
        answer_disputes.answer_due(services.database, services.acquirers, services.site, house, world.now)

    def press(dispute_id: str) -> Callable[[], None]:
        def call() -> None:
            with suppress(answer.NothingToAnswer, answer.AnswerUnderWay):
                with services.database.begin(services.site, world.now, member) as ctx:
                    dispute = ctx.session.get_one(Dispute, dispute_id)
                    texts = {EvidenceField.WORDS: "By hand."}
                    intended = answer_disputes.intend(ctx, services.acquirers, dispute, texts, ())
                answer.send(services.database, services.gateway, services.site, intended, world.now)

        return call

    by_hand = [press(row["id"]) for row in world.rows("SELECT id FROM dispute ORDER BY id LIMIT 4")]
    at_once(work, work, *by_hand)
    world.settle()
    assert {row["evidence_details"]["submission_count"] for row in world.sandbox.disputes()} == {1}
    assert {row["state"] for row in world.rows("SELECT state FROM dispute")} == {"answered"}
    lines = world.rows("SELECT subject FROM audit_line WHERE act = 'answer_dispute'")
    assert len(lines) == len({line["subject"] for line in lines}) == ROUNDS // 2, "one line each"
