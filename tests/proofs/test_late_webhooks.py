"""Stripe's events repeated, out of order, a day late, or missing: the story ends as with regular events."""

import random
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from typing import Any

import pytest

from billing.billing_run.run import run_for
from billing.webhooks import settle as events
from tests.proofs.steps import intend, send, settle_attempt
from tests.support import ledger_checks
from tests.support.polling import until
from tests.support.starting_points import Subscriber, fast_forward
from tests.support.world import World, local

Trouble = dict[str, Any]


def live(world: World) -> None:
    """A month of five readers: one pays and gets part of it back, one is refused twice and then pays, one is never
    charged, one waits a day for money back, one closed the tab after giving the card."""
    pays = world.start_trial("pays@example.com", "pm_card_visa__1")
    world.start_trial("broke@example.com", "pm_card_visa__2")
    leaves = world.start_trial("leaves@example.com", "pm_card_visa__3")
    waits = world.start_trial("waits@example.com", "pm_card_pendingRefund__4")
    world.browser().start("closes@example.com", "4242424242424242", come_back=False)
    world.settle()
    broke = world.rows("SELECT gateway_ref FROM payment_method m JOIN reader r ON r.id = m.reader_id"
                       " WHERE r.email = 'broke@example.com'")[0]["gateway_ref"]  # fmt: skip
    world.sandbox.decline(broke, "insufficient_funds")
    world.advance_to(local(2027, 3, 14, 12))
    assert world.api.post(f"/v1/subscriptions/{leaves['subscription']['id']}/cancel").status_code == 200
    world.advance_to(local(2027, 3, 20, 12))
    give_back(world, pays["reader"]["id"], 2500)
    give_back(world, waits["reader"]["id"], None)
    world.settle()
    world.sandbox.decline(broke, None)
    world.advance_to(local(2027, 3, 28, 12))


def give_back(world: World, reader_id: str, cents: int | None) -> None:
    """Part of the reader's one payment, or all of it."""
    payment = world.rows("SELECT id FROM payment WHERE reader_id = :reader", reader=reader_id)[0]["id"]
    body = {"reason": "A kindness."} | ({"amount": cents} if cents else {})
    answer = world.api.post(f"/v1/payments/{payment}/refunds", json=body)
    assert answer.status_code == 201, answer.text


def at_the_end(world: World) -> dict[str, Any]:
    """The state that must not depend on when Stripe's events arrived. A trial that only the event could start may begin
    later.
    """
    ledger_checks.check(world)
    state = ledger_checks.end_state(world, without=["visits"])
    sent = sorted((letter.recipient, re.sub(r"\d{6}", "n", letter.subject)) for letter in world.letters())
    return state | {"sent": sent}


@pytest.fixture
def undisturbed(world: World) -> dict[str, Any]:
    """The end with every event delivered once, at once, in order. The world is blank again."""

    def live_and_look() -> dict[str, Any]:
        live(world)
        return at_the_end(world)

    state = world.once("a month of five readers", live_and_look)
    assert [row["state"] for row in state["subscriptions"]] == [
        "active",
        "active",
        "ended",
        "active",
        "active",
    ]
    assert [(row["amount"], row["state"]) for row in state["refunds"]] == [
        (2500, "succeeded"),
        (7500, "succeeded"),
    ]
    world.begin()
    return state


@pytest.mark.prove
@pytest.mark.parametrize(
    "trouble",
    [
        pytest.param({"effect": "double", "copies": 5}, id="five times"),
        pytest.param({"effect": "reorder"}, id="the last first", marks=pytest.mark.prove),
    ],
)
def test_events_repeated_and_turned_round(
    world: World, undisturbed: dict[str, Any], trouble: Trouble
) -> None:
    world.sandbox.trouble(trouble)
    live(world)
    assert world.sandbox.http.get("/_sandbox/trouble").json()["trouble"][0]["hit"] > 20
    assert at_the_end(world) == undisturbed


@pytest.mark.prove
@pytest.mark.parametrize("effect", [pytest.param("delay", marks=pytest.mark.prove), "drop"])
def test_events_a_day_late_or_never(world: World, undisturbed: dict[str, Any], effect: str) -> None:
    """Except where only an event reports it: a reader who closed the tab, and a refund that is pending at Stripe."""
    in_time = ["checkout.session.completed"] + (["refund.updated"] if effect == "drop" else [])
    late: Trouble = {"effect": effect} | ({"seconds": 86_400} if effect == "delay" else {})
    world.sandbox.trouble(*({"effect": "double", "copies": 1, "type": kind} for kind in in_time), late)
    live(world)
    world.advance(days=1)
    assert at_the_end(world) == undisturbed


def test_a_lost_event_starts_the_trial_when_the_page_runs_out(world: World) -> None:
    world.sandbox.trouble({"effect": "drop"})
    world.browser().start("closes@example.com", come_back=False)
    world.advance(hours=22)
    assert world.rows("SELECT id FROM subscription") == []
    world.advance(hours=2)
    assert [row["charge_on"] for row in world.rows("SELECT charge_on FROM subscription")] == [
        date(2027, 3, 17)
    ]
    assert len(world.letters("closes@example.com")) == 1


@pytest.fixture
def due(world: World, notified: Subscriber) -> str:
    """A subscription whose first charge is due now."""
    fast_forward(world, local(2027, 3, 16, 8, 59, 59))
    world.skip_to(local(2027, 3, 16, 9))
    return notified.subscription_id


def check_charged_once(world: World, subscription_id: str) -> None:
    """The charge was settled once, by one of two."""
    world.settle()
    ledger_checks.check(world)
    assert len(world.charges()) == 1
    assert world.subscription(subscription_id)["status"] == "active"
    assert world.rows("SELECT count(*) AS n FROM subscription_change WHERE event = 'charged'") == [{"n": 1}]
    assert len([letter for letter in world.letters() if "Tax invoice" in letter.text]) == 1


@pytest.mark.parametrize("reason", [None, "insufficient_funds"])
def test_the_event_is_settled_before_our_own_answer(world: World, due: str, reason: str | None) -> None:
    world.sandbox.decline(world.rows("SELECT gateway_ref FROM payment_method")[0]["gateway_ref"], reason)
    intend(world, due)
    attempt_id, answer = send(world, due)
    world.sandbox.settle()
    events.settle_due(world.services.webhook_context, world.now)
    assert [row["state"] for row in world.rows("SELECT state FROM attempt")] == [
        "declined" if reason else "charged"
    ]
    assert settle_attempt(world, attempt_id, answer) == "settled"
    if reason is None:
        check_charged_once(world, due)
    else:
        world.settle()
        ledger_checks.check(world)
        assert world.subscription(due)["status"] == "past_due"
        assert world.rows("SELECT count(*) AS n FROM message WHERE kind = 'payment_failed'") == [{"n": 1}]


def test_the_event_of_a_settled_attempt_changes_nothing(world: World, due: str) -> None:
    intend(world, due)
    assert settle_attempt(world, *send(world, due)) == "charged"
    world.sandbox.settle()
    events.settle_due(world.services.webhook_context, world.now)
    outcomes = world.rows("SELECT outcome FROM inbound_event WHERE event_type = 'payment_intent.succeeded'")
    assert outcomes == [{"outcome": "settled"}]
    check_charged_once(world, due)


@pytest.mark.prove
def test_the_event_comes_while_stripe_lets_us_wait(world: World, due: str) -> None:
    world.sandbox.faults(
        {"effect": "timeout_after", "method": "POST", "path": "/v1/payment_intents", "seconds": 60}
    )
    with ThreadPoolExecutor(1) as elsewhere:
        waiting = elsewhere.submit(run_for, world.services.run_context, due, world.now)
        paid = "SELECT 1 FROM inbound_event WHERE event_type = 'payment_intent.succeeded'"
        until(lambda: world.rows(paid), "the event")
        assert events.settle_due(world.services.webhook_context, world.now) == 0, (
            "the answer has a moment to come first"
        )
        until(lambda: events.settle_due(world.services.webhook_context, world.now), "the event's turn")
        assert [row["state"] for row in world.rows("SELECT state FROM attempt")] == ["charged"]
        world.sandbox.faults()  # the answer is lost at last
        assert waiting.result().counts == {"due": 1, "settled": 1}
    check_charged_once(world, due)


def test_five_times_out_of_order_and_a_day_late(world: World, undisturbed: dict[str, Any]) -> None:
    world.sandbox.trouble({"effect": "reorder"})
    live(world)
    world.sandbox.trouble()
    world.advance(days=1)
    sent = [event["id"] for event in world.sandbox.events()]
    assert len(sent) > 40
    random.Random(5).shuffle(sent)
    for event in sent:
        world.sandbox.resend(event, copies=4)
    world.settle()
    assert at_the_end(world) == undisturbed


@pytest.mark.prove
def test_every_event_settled_anew_changes_nothing(world: World, undisturbed: dict[str, Any]) -> None:
    """As if all events were new: settling is safe to repeat, in any order."""
    live(world)
    for seed in range(3):
        forget(world, random.Random(seed))
        world.settle()
    assert at_the_end(world) == undisturbed


def forget(world: World, draw: random.Random) -> None:
    """Mark every event unsettled, in an order of its own."""
    found = [row["id"] for row in world.rows("SELECT event_ref AS id FROM inbound_event ORDER BY event_ref")]
    draw.shuffle(found)
    for number, event in enumerate(found):
        at = world.now - timedelta(seconds=number)
        world.rows(
            "UPDATE inbound_event SET settled_at = NULL, next_attempt_at = :at WHERE event_ref = :id RETURNING id",
            at=at,
            id=event,
        )
