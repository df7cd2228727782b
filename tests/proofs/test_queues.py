"""Work that nobody waits for delays nobody. Receipts, or a billing run that hangs at Stripe, delay no sign-in link,
refund, webhook or doctor.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from billing import worker
from billing.billing_run import run
from billing.platform import stop_points
from billing.platform.settings import ClockKind
from billing.timetable import JOBS, Queue, tick
from billing.worker import CONNECTIONS_A_QUEUE, connections
from tests.proofs.many_readers import CHARGE_AT, due_once
from tests.support.hung_run import hung_run
from tests.support.one_acquirer import only
from tests.support.polling import until
from tests.support.stepped_clock import SteppedClock
from tests.support.worker_processes import StartWorker
from tests.support.world import World, local

EMAIL = "reader-0@example.com"


def ask_for_a_link(world: World) -> None:
    browser = world.browser()
    browser.get("/sign-in")
    browser.post("/sign-in", email=EMAIL)


def came(world: World) -> list[str]:
    """The kinds of mail sent since the trials, in order."""
    of_trials = ("Your free trial", "Last reminder")
    return [letter.subject for letter in world.letters() if not letter.subject.startswith(of_trials)]


def test_a_link_to_sign_in_comes_while_a_billing_run_waits_for_stripe(
    world: World, start_worker: StartWorker
) -> None:
    due_once(world, 2)
    world.sandbox.faults(
        {"effect": "slow", "method": "POST", "path": "/v1/payment_intents", "seconds": 60, "times": None}
    )
    start_worker(world).ready()
    until(
        lambda: world.sandbox.http.get("/_sandbox/faults").json()["faults"][0]["hit"], "a charge to be sent"
    )
    ask_for_a_link(world)
    until(lambda: came(world), "the link")
    assert [subject.startswith("Your sign-in link") for subject in came(world)] == [True], came(world)
    assert world.rows("SELECT id FROM attempt WHERE state = 'open'") != [], "and the run still waits"


@pytest.mark.usefixtures("paid")
def test_a_billing_run_that_hangs_holds_up_no_other_lane(world: World) -> None:
    world.start_trial("zola@example.com", "pm_card_visa__1")
    world.advance_to(local(2027, 3, 31, 8, 59))
    world.skip_to(local(2027, 3, 31, 9))
    [payment] = world.rows("SELECT id FROM payment")
    with world.services.database.transaction() as session:
        session.execute(sa.text("UPDATE doctor_visit SET next_at = :now"), {"now": world.now})
    with hung_run(world):
        world.api.post(f"/v1/payments/{payment['id']}/refunds", json={"reason": "asked"}).raise_for_status()
        for queue in Queue:
            if queue is not Queue.BILLING:
                tick(world.services, queue=queue)
        assert world.rows("SELECT state FROM refund") == [{"state": "succeeded"}]
        assert came(world)[-1].startswith("Credit note")
        assert world.rows("SELECT 1 FROM doctor_visit WHERE at = :now", now=world.now), "the doctor came too"
        until(lambda: word_of(world, "refund.created"), "Stripe's word of the refund")
        tick(world.services, queue=Queue.EVENTS)
        assert word_of(world, "refund.created")[0]["outcome"] == "succeeded"
        assert len(world.charges()) == 1, "and the run still hangs"
    assert len(world.charges()) == 2


def word_of(world: World, kind: str) -> list[dict[str, object]]:
    return world.rows("SELECT outcome FROM inbound_event WHERE event_type = :kind", kind=kind)


def test_halfway_through_a_long_run_a_webhook_is_settled_and_a_link_overtakes_its_receipts(
    make_world: Callable[..., World],
) -> None:
    world, readers = make_world(charge_concurrency=1), 6
    due_once(world, readers)
    with hung_run(world, "charge.settled"):
        [taken] = world.rows("SELECT count(*) AS n FROM payment")
        assert 0 < taken["n"] < readers, "halfway"
        until(
            lambda: len(word_of(world, "payment_intent.succeeded")) >= taken["n"],
            "Stripe's word of the charges",
        )
        tick(world.services, queue=Queue.EVENTS)
        settled = [each["outcome"] for each in word_of(world, "payment_intent.succeeded")]
        assert settled.count("settled") >= taken["n"]
        ask_for_a_link(world)
        tick(world.services, queue=Queue.MAIL)
        assert [subject.startswith("Tax invoice") for subject in came(world)] == [False] + [True] * taken["n"]
    assert len(world.charges()) == readers


def test_a_run_of_hours_ends_early_so_that_the_next_one_does_what_became_due_meanwhile(world: World) -> None:
    due_once(world, 6)
    stepped = SteppedClock()
    run_context = replace(
        world.services.run_context, acquirers=only(world.services.gateway, stepped), concurrency=1
    )

    def takes_long(name: str) -> None:
        if name == "charge.intended":
            stepped.step(run.SCHEDULED_SECONDS)

    stop_points.listen(takes_long)
    try:
        first = run.run(run_context, world.now, most_seconds=run.SCHEDULED_SECONDS)
    finally:
        stop_points.listen(None)
    assert first.counts["charged"] == 4, "those that were under way"
    assert len(world.rows("SELECT 1 FROM attempt WHERE state = 'open' AND claimed_by IS NULL")) == 2
    assert tick(world.services, queue=Queue.BILLING) > 0
    assert len(world.charges()) == 6


def test_what_others_wait_for_has_lanes_apart(world: World) -> None:
    queues = {job.name: job.queue for job in JOBS}
    apart = ["settle events", "bill, and ask what became of charges in doubt", "refund", "deliver mail"]
    apart += ["send newsletters", "doctor", "see whether the others do their work"]
    assert {queues[name] for name in apart} == set(Queue)
    assert connections(world.settings) > CONNECTIONS_A_QUEUE * len(Queue) + world.settings.charge_concurrency


def test_a_worker_by_the_machines_clock_has_a_thread_for_each_lane_and_one_for_its_heartbeat(
    world: World,
) -> None:
    settings = world.settings.model_copy(update={"clock": ClockKind.SYSTEM})
    jobs = worker._scheduler(replace(world.services, settings=settings)).get_jobs()
    assert {job.executor for job in jobs} == {*Queue, worker.HEARTBEAT}
    assert {job.args[1] for job in jobs if job.executor != worker.HEARTBEAT} == set(Queue)


def test_a_link_to_sign_in_overtakes_receipts(world: World) -> None:
    due_once(world, 3)
    tick(world.services, queue=Queue.BILLING)
    assert came(world) == [], "the receipts lie there"
    world.skip_to(CHARGE_AT + timedelta(minutes=1))
    ask_for_a_link(world)
    tick(world.services, queue=Queue.MAIL)
    assert [subject.startswith("Tax invoice") for subject in came(world)] == [False, True, True, True]
