"""The unknown outcome of a charge is a state: Stripe is asked before another charge."""

from datetime import timedelta
from typing import Any

import pytest

from billing.payments import charge
from billing.platform.claims import worker_lock
from tests.proofs.many_readers import due_once
from tests.proofs.steps import claim, intend, send
from tests.support import ledger_checks
from tests.support.broken_tables import refused_rows
from tests.support.proof_size import only_at_length
from tests.support.starting_points import Subscriber, fast_forward
from tests.support.world import World, local

CHARGE_AT = local(2027, 3, 16, 9)
CHARGING = {"method": "POST", "path": "/v1/payment_intents"}


@pytest.fixture
def due(world: World, notified: Subscriber) -> Subscriber:
    """A reader whose first charge is due now. No event of Stripe's will report its result."""
    fast_forward(world, CHARGE_AT - timedelta(seconds=1))
    world.skip_to(CHARGE_AT)
    world.sandbox.trouble({"effect": "drop", "type": "payment_intent.*"})
    return notified


def jump(world: World, **span: float) -> None:
    """Let time pass without a worker."""
    world.skip_to(world.now + timedelta(**span))


def check_open(world: World, reader: Subscriber, asked: int = 1) -> None:
    """The outcome is unknown. The reader keeps access and gets no mail."""
    assert world.rows("SELECT state, poll_count FROM attempt") == [{"state": "open", "poll_count": asked}]
    check_reads_on(world, reader)


def check_reads_on(world: World, reader: Subscriber) -> None:
    """Nothing is paid, and the reader gets no mail."""
    assert world.rows("SELECT state, number FROM invoice") == [{"state": "open", "number": None}]
    access = world.access(world.articles["subscriber"][0], reader.reader_id)
    assert (access["allowed"], access["reason"]) == (True, "trial")
    assert world.rows("SELECT kind FROM message WHERE kind NOT IN ('trial_started', 'trial_notice')") == []


def check_charged_once(world: World, reader: Subscriber) -> None:
    """It ended well: one charge, one receipt."""
    ledger_checks.check(world)
    assert len(world.charges()) == 1
    assert world.subscription(reader.subscription_id)["status"] == "active"
    assert [letter.recipient for letter in world.letters() if "Tax invoice" in letter.text] == [reader.email]


@pytest.mark.prove
@pytest.mark.parametrize(
    ("fault", "taken"),
    [
        pytest.param({"effect": "timeout_before", "seconds": 1}, 0, id="silence"),
        pytest.param({"effect": "timeout_after", "seconds": 1}, 1, id="silence after the charge"),
        pytest.param({"effect": "cut"}, 1, id="cut"),
        pytest.param({"effect": "reset", "when": "before"}, 0, id="reset"),
        pytest.param({"effect": "reset", "when": "after"}, 1, id="reset after the charge"),
        pytest.param({"effect": "500_after"}, 1, id="500 after the charge"),
    ],
)
def test_an_unknown_outcome_is_asked_for_a_minute_later(
    world: World, due: Subscriber, fault: dict[str, Any], taken: int
) -> None:
    world.sandbox.faults({"times": None, **CHARGING, **fault})
    world.settle()
    check_open(world, due)
    assert len(world.charges()) == taken
    world.sandbox.faults()
    world.advance(seconds=59)
    check_open(world, due)
    world.advance(seconds=1)
    check_charged_once(world, due)


@pytest.mark.parametrize("fault", [{"effect": "timeout_after", "seconds": 1}, {"effect": "cut"}])
def test_one_bad_answer_is_mended_by_the_same_key(
    world: World, due: Subscriber, fault: dict[str, Any]
) -> None:
    world.sandbox.faults({**CHARGING, **fault})
    world.settle()
    world.advance(minutes=1)
    check_charged_once(world, due)
    assert [row["ordinal"] for row in world.rows("SELECT ordinal FROM attempt")] == [1]


@only_at_length
@pytest.mark.prove
def test_a_real_timeout_of_twenty_seconds(world: World, due: Subscriber) -> None:
    world.sandbox.faults({**CHARGING, "effect": "timeout_after", "times": None, "seconds": 120})
    world.settle()
    check_open(world, due)
    world.sandbox.faults()
    world.advance(minutes=1)
    check_charged_once(world, due)


def test_too_many_requests_and_stripe_says_when_to_come_back(world: World, due: Subscriber) -> None:
    """Stripe did nothing, so the outcome is soon known: not before the moment it named, and shortly after."""
    world.sandbox.faults({**CHARGING, "effect": "429", "times": None, "retry_after": 40})
    world.settle()
    check_open(world, due)
    (row,) = world.rows("SELECT next_poll_at, doubt AS reason FROM attempt")
    assert CHARGE_AT + timedelta(seconds=40) <= row["next_poll_at"] <= CHARGE_AT + timedelta(seconds=60)
    assert row["reason"].startswith("RateLimitError")
    world.sandbox.faults()
    world.advance(seconds=39)
    check_open(world, due)
    world.advance(seconds=21)
    check_charged_once(world, due)


@pytest.mark.prove
def test_too_many_requests_without_a_word_waits_longer_each_time(world: World, due: Subscriber) -> None:
    world.sandbox.faults({**CHARGING, "effect": "429", "times": 4})
    world.settle()
    world.advance(seconds=2 + 4 + 8 + 16)
    check_open(world, due, asked=4)
    world.advance(seconds=15)
    check_charged_once(world, due)


def test_a_server_error_sticks_to_its_key_so_another_is_used(world: World, due: Subscriber) -> None:
    """Stripe repeats the 500 of a key for a day. After two look-ups, minutes apart, that find no such charge, another
    attempt is made.
    """
    world.sandbox.faults({**CHARGING, "effect": "500_before"})
    world.settle()
    check_open(world, due)
    world.advance(minutes=1)
    check_open(world, due, asked=2)
    world.advance(minutes=4, seconds=59)
    assert world.charges() == []
    world.advance(seconds=1)
    check_charged_once(world, due)
    states = [row["state"] for row in world.rows("SELECT state FROM attempt ORDER BY ordinal")]
    assert states == ["not_sent", "charged"]


@pytest.mark.parametrize(("when", "taken"), [("before", 0), ("after", 1)])
def test_stripe_is_away_for_a_day(world: World, due: Subscriber, when: str, taken: int) -> None:
    world.sandbox.faults({"effect": "reset", "when": when, "path": "/v1/payment_intents*", "times": None})
    world.settle()
    jump(world, hours=23)
    world.settle()
    check_open(world, due, asked=2)
    assert len(world.charges()) == taken
    world.sandbox.faults()
    world.advance(hours=1)
    if not taken:  # the announced day has passed, so another one is announced first
        assert world.charges() == []
        assert world.subscription(due.subscription_id)["status"] == "trialing"
        world.advance(days=9)
    check_charged_once(world, due)


def test_stripe_is_away_so_long_that_the_notices_are_old(world: World, due: Subscriber) -> None:
    """Without a valid notice there is no charge. The trial goes on, both notices are sent again, and the period begins on
    the day of the charge.
    """
    world.sandbox.faults({"effect": "reset", "when": "before", "path": "/v1/payment_intents*", "times": None})
    world.settle()
    jump(world, hours=50)
    world.settle()
    check_open(world, due, asked=2)
    world.sandbox.faults()
    world.advance(hours=2)
    assert world.charges() == []
    assert world.subscription(due.subscription_id)["status"] == "trialing"
    assert world.access(world.articles["subscriber"][0], due.reader_id)["reason"] == "trial"

    world.advance(days=9)
    check_charged_once(world, due)
    (invoice,) = world.rows("SELECT period_start_on, period_end_on, issued_on FROM invoice")
    (held,) = world.rows("SELECT charge_on, period_start_on, period_end_on FROM subscription")
    assert invoice["period_start_on"] == invoice["issued_on"] == held["charge_on"] == held["period_start_on"]
    assert held["charge_on"] > local(2027, 3, 18).date()
    assert (invoice["period_end_on"].day, held["period_end_on"].day) == (held["charge_on"].day,) * 2
    world.skip_to(local(2027, 4, 26, 8))  # nothing is due in a paid month
    world.settle()
    assert len(world.charges()) == 1
    world.advance(hours=2)
    assert len(world.charges()) == 2


def test_a_request_that_stripe_does_not_take_is_our_fault_and_no_decline(
    world: World, due: Subscriber
) -> None:
    """No card failed, so no mail says so. The key belongs to the wrong request, so the right one gets another."""
    intend(world, due.subscription_id)
    world.rows("UPDATE invoice SET currency = 'XYZ' RETURNING id")
    world.settle()
    (attempt,) = world.rows("SELECT state, not_taken_reason AS reason FROM attempt")
    assert (attempt["state"], attempt["reason"][:19]) == ("not_sent", "InvalidRequestError")
    check_reads_on(world, due)
    world.rows("UPDATE invoice SET currency = 'ZAR' RETURNING id")
    world.advance(hours=4)
    check_charged_once(world, due)


def test_a_card_that_was_removed_at_stripe_is_a_decline(world: World, due: Subscriber) -> None:
    method = world.rows("SELECT gateway_ref FROM payment_method")[0]["gateway_ref"]
    world.sandbox.client().v1.payment_methods.detach(method)
    world.settle()
    assert world.rows("SELECT state FROM attempt") == [{"state": "declined"}]
    assert world.subscription(due.subscription_id)["status"] == "past_due"


@pytest.mark.prove
def test_an_attempt_that_was_never_sent_is_too_old_the_next_day(world: World, due: Subscriber) -> None:
    """The notices that allowed the charge then must allow it again."""
    intend(world, due.subscription_id)
    jump(world, days=5)
    world.settle()
    assert world.charges() == []
    assert world.rows("SELECT state FROM attempt") == [{"state": "not_sent"}]
    assert world.subscription(due.subscription_id)["status"] == "trialing"
    world.advance(days=9)
    check_charged_once(world, due)


def test_an_attempt_that_breaks_us_holds_up_nobody(world: World) -> None:
    """Its settling fails. The next one is settled, and this one is looked up again an hour later."""
    first, _ = due_once(world, 2)
    [reader] = world.rows("SELECT reader_id AS id FROM subscription WHERE id = :id", id=first)
    with refused_rows(world, "payment", f"reader_id <> '{reader['id']}'"):
        world.settle()
    assert [row["state"] for row in world.rows("SELECT state FROM attempt ORDER BY state")] == [
        "charged",
        "open",
    ]
    world.advance(hours=1)
    ledger_checks.check(world)
    assert len(world.charges()) == 2


def test_an_attempt_put_back_keeps_its_doubt(world: World, due: Subscriber) -> None:
    """An attempt sent by a killed worker, claimed again just before a pause, and put back. It is still looked up first."""
    subscription = due.subscription_id
    intend(world, subscription)
    send(world, subscription)
    with worker_lock(world.services.database) as me:
        found = claim(world, subscription, me)
        with world.services.database.transaction() as session:
            charge.release(session, [found], me)
    jump(world, hours=30)
    with worker_lock(world.services.database) as me:
        assert claim(world, subscription, me).sent_before is not None
    world.settle()
    check_charged_once(world, due)


def test_a_decline_nobody_heard_is_found(world: World, due: Subscriber) -> None:
    world.sandbox.decline(
        world.rows("SELECT gateway_ref FROM payment_method")[0]["gateway_ref"], "insufficient_funds"
    )
    intend(world, due.subscription_id)
    send(world, due.subscription_id)
    world.settle()
    assert [(charge["status"]) for charge in world.sandbox.charges()] == ["failed"]
    assert world.rows("SELECT state, decline_code AS code FROM attempt") == [
        {"state": "declined", "code": "insufficient_funds"}
    ]
    assert world.subscription(due.subscription_id)["status"] == "past_due"
