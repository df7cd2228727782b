"""While Stripe is away charging pauses with an alarm, and readers notice nothing; afterwards each charge is made once."""

import logging
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from billing.acquirer import breaker
from billing.billing_run.run import run
from tests.support import ledger_checks
from tests.support.cli import run_on
from tests.support.metrics import alarms
from tests.support.staff_members import add, sign_in
from tests.support.world import World, local

CHARGE_AT = local(2027, 3, 16, 9)
AWAY = {"effect": "reset", "when": "before", "path": "/v1/*", "times": None}


@pytest.fixture
def world(make_world: Callable[..., World]) -> World:
    """Three failures in a row, one charge at a time."""
    return make_world(pause_after_failures=3, charge_concurrency=1)


def begin(world: World, readers: int) -> list[dict[str, Any]]:
    """So many trials begin."""
    return [world.start_trial(f"reader-{n}@example.com", f"pm_card_visa__{n}") for n in range(readers)]


def nearly_due(world: World, readers: int) -> list[dict[str, Any]]:
    """Trials a second before their first charge. Call it on a blank world."""

    def live() -> list[dict[str, Any]]:
        started = begin(world, readers)
        world.advance_to(CHARGE_AT - timedelta(seconds=1))
        return started

    return world.once(f"{readers} trials, to a second before their first charge", live)


FAILS = {"effect": "500_before", "method": "POST", "path": "/v1/payment_intents", "times": None}
"""Stripe answers questions, and fails on every charge."""


def due(world: World, readers: int = 6, fault: dict[str, Any] = AWAY) -> list[dict[str, Any]]:
    """Trials whose first charge is due now, with Stripe unreachable or failing otherwise."""
    started = nearly_due(world, readers)
    world.skip_to(CHARGE_AT)
    world.sandbox.faults(fault)
    return started


def pause(world: World) -> breaker.ChargingPaused | None:
    with world.services.database.transaction() as session:
        return breaker.paused(session)


def asked(world: World) -> list[int]:
    """How often each open attempt's outcome stayed unknown."""
    return [
        row["poll_count"]
        for row in world.rows("SELECT poll_count FROM attempt WHERE state = 'open' ORDER BY 1 DESC")
    ]


def check_others_go_on(world: World, started: list[dict[str, Any]]) -> None:
    """All keep access, none is overdue, and none gets a mail."""
    for one in started:
        access = world.access(world.articles["subscriber"][0], one["reader"]["id"])
        assert (access["allowed"], access["reason"]) == (True, "trial")
        assert world.subscription(one["subscription"]["id"])["status"] == "trialing"
    assert world.rows("SELECT kind FROM message WHERE kind NOT IN ('trial_started', 'trial_notice')") == []


def check_all_charged_once(world: World, readers: int) -> None:
    """As if nothing had been."""
    ledger_checks.check(world)
    assert len(world.charges()) == readers
    assert {row["state"] for row in world.rows("SELECT state FROM subscription")} == {"active"}
    assert {row["ordinal"] for row in world.rows("SELECT ordinal FROM attempt")} == {1}


def test_after_some_failures_in_a_row_nothing_more_is_sent(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    started = due(world)
    with caplog.at_level(logging.WARNING, "billing.acquirer.breaker"):
        report = run(world.services.run_context, CHARGE_AT)
        assert report.counts["unknown"] == 3
        assert report.counts["held"] >= 1  # what was in our hands by then, and wasn't sent
        assert asked(world) == [1, 1, 1, 0, 0, 0]
        found = pause(world)
        assert found is not None
        assert (found.since, found.probe_at) == (CHARGE_AT, CHARGE_AT + timedelta(minutes=1))
        check_others_go_on(world, started)

        world.advance(
            minutes=30
        )  # asked after 1, 6 and 21 minutes whether Stripe is back, and no charge for that
        assert world.rows("SELECT probes FROM charging_pause") == [{"probes": 4}]
        assert asked(world) == [1, 1, 1, 0, 0, 0]
        assert world.charges() == []
        check_others_go_on(world, started)

        world.sandbox.faults()
        world.advance(hours=1)
    check_all_charged_once(world, 6)
    assert pause(world) is None
    assert [
        record.getMessage().partition(" after ")[0]
        for record in caplog.records
        if record.name == breaker.__name__
    ] == [
        "charging at stripe is paused",
        "stripe answers again: charging goes on",
    ]


def test_charges_that_stripe_failed_on_dont_keep_charging_paused(make_world: Callable[..., World]) -> None:
    """Each key is spent. Stripe must answer twice that it knows no such charge, and that counts as an answer."""
    world = make_world(pause_after_failures=9, charge_concurrency=1)
    due(world, 9, FAILS)
    run(world.services.run_context, CHARGE_AT)
    assert pause(world) is not None
    assert asked(world) == [1] * 9
    world.sandbox.faults()
    world.advance(minutes=15)
    assert pause(world) is None
    ledger_checks.check(world)
    assert len(world.charges()) == 9
    assert {row["state"] for row in world.rows("SELECT state FROM subscription")} == {"active"}


def test_a_probe_sends_one_charge_and_what_becomes_of_it_decides(world: World) -> None:
    due(world, 6, FAILS)
    run(world.services.run_context, CHARGE_AT)
    assert asked(world) == [1, 1, 1, 0, 0, 0]
    world.advance(minutes=1)
    assert pause(world) is not None
    assert asked(world) == [1, 1, 1, 1, 0, 0], "one was sent"
    world.sandbox.faults()
    world.advance(hours=1)
    assert pause(world) is None
    ledger_checks.check(world)
    assert len(world.charges()) == 6


@pytest.mark.prove
def test_when_nothing_waits_stripe_is_asked_without_charging(world: World) -> None:
    """The pause began with the last due charge. A request that charges nothing must find out when it can end."""
    due(world, 1)
    for minutes in (0, 1, 5):
        world.advance(minutes=minutes)
    assert pause(world) is not None
    world.sandbox.faults()
    world.advance(minutes=5)
    assert pause(world) is None
    world.advance(hours=1)
    check_all_charged_once(world, 1)


@pytest.mark.prove
def test_one_answer_between_failures_and_nothing_pauses(world: World) -> None:
    """Only consecutive failures count. Here every third call succeeds."""
    due(world)
    world.sandbox.faults()
    world.sandbox.faults(
        *(
            {"effect": "500_after", "method": "POST", "path": "/v1/payment_intents", "nth": n, "times": 4}
            for n in (1, 7)
        )
    )
    world.settle()
    assert pause(world) is None
    world.sandbox.faults()
    world.advance(hours=1)
    check_all_charged_once(world, 6)


@pytest.mark.prove
def test_a_decline_is_an_answer_and_too_many_requests_is_no_outage(world: World) -> None:
    due(world)
    world.sandbox.faults()
    for row in world.rows("SELECT gateway_ref FROM payment_method"):
        world.sandbox.decline(row["gateway_ref"], "insufficient_funds")
    world.settle()
    assert pause(world) is None
    assert {row["state"] for row in world.rows("SELECT state FROM subscription")} == {"past_due"}


@pytest.mark.prove
def test_away_past_the_trials_days(world: World) -> None:
    """After four days the notices are too old for a charge. The trial goes on, both notices are sent again, and each reader
    is charged once.
    """
    started = due(world)
    world.settle()
    world.skip_to(world.now + timedelta(days=4))
    world.settle()
    check_others_go_on(world, started)
    world.sandbox.faults()
    world.advance(hours=2)
    assert world.charges() == []
    check_others_go_on(world, started)
    world.advance(days=12)
    ledger_checks.check(world)
    assert len(world.charges()) == 6
    rows = world.rows("SELECT state, charge_on, period_start_on, period_end_on FROM subscription")
    assert {row["state"] for row in rows} == {"active"}
    for row in rows:
        assert row["period_start_on"] == row["charge_on"] > local(2027, 3, 20).date()
        assert row["period_end_on"].day == row["charge_on"].day
    mails = {kind for one in started for kind in world.mail_kinds(one["reader"]["email"])}
    assert not mails & {"payment_failed", "ended"}


@pytest.mark.prove
def test_a_renewal_that_waited_keeps_its_period_and_its_days(world: World) -> None:
    begin(world, 2)
    world.advance_to(local(2027, 4, 16, 8))
    world.sandbox.faults(AWAY)
    world.advance_to(local(2027, 4, 16, 9))
    world.skip_to(local(2027, 4, 19, 8))
    world.settle()
    assert len(world.charges()) == 2
    world.sandbox.faults()
    world.advance_to(local(2027, 5, 16, 8))
    ledger_checks.check(world)
    assert len(world.charges()) == 4
    periods = world.rows("SELECT DISTINCT period_start_on, period_end_on FROM subscription")
    assert [(row["period_start_on"], row["period_end_on"]) for row in periods] == [
        (local(2027, 4, 16).date(), local(2027, 5, 16).date())
    ]


@pytest.mark.prove
def test_away_over_the_end_of_the_grace_takes_nothing_from_the_reader(world: World) -> None:
    """The last retry is on 30 March, the end on 6 April. Stripe is unreachable over both, and then the card pays."""
    (one,) = begin(world, 1)
    method = world.rows("SELECT gateway_ref FROM payment_method")[0]["gateway_ref"]
    world.sandbox.decline(method, "insufficient_funds")
    world.advance_to(local(2027, 3, 30, 8))
    world.sandbox.decline(method, None)
    world.sandbox.faults(AWAY)
    world.advance_to(local(2027, 3, 30, 9))
    world.skip_to(local(2027, 4, 8, 12))
    world.settle()
    access = world.access(world.articles["subscriber"][0], one["reader"]["id"])
    assert (access["allowed"], access["reason"]) == (True, "grace")
    assert "ended" not in world.mail_kinds("reader-0@example.com")
    world.sandbox.faults()
    world.advance(hours=2)
    ledger_checks.check(world)
    assert world.subscription(one["subscription"]["id"])["status"] == "active"
    assert len(world.charges()) == 1


@pytest.mark.prove
def test_money_on_its_way_back_waits_too_and_goes_once(world: World) -> None:
    begin(world, 4)
    world.advance_to(local(2027, 3, 17))
    world.sandbox.faults(AWAY)
    for row in world.rows("SELECT id FROM payment"):
        answer = world.api.post(
            f"/v1/payments/{row['id']}/refunds", json={"amount": 2500, "reason": "A kindness."}
        )
        assert answer.status_code == 201
    world.settle()
    assert pause(world) is not None
    assert sorted(row["poll_count"] for row in world.rows("SELECT poll_count FROM refund")) == [0, 1, 1, 1]
    world.skip_to(world.now + timedelta(hours=30))
    world.settle()
    world.sandbox.faults()
    world.advance(hours=3)
    assert pause(world) is None
    ledger_checks.check(world)
    assert [refund["amount"] for refund in world.sandbox.refunds()] == [2500] * 4


def test_it_is_said_to_operators_and_to_staff(world: World) -> None:
    nearly_due(world, 6)
    staff = sign_in(world, add(world, "support").email)
    assert "Charging is paused" not in staff.get("/staff").words
    assert world.api.get("/readyz").json()["charging"] == {"state": "on", "waiting": 0}
    world.skip_to(CHARGE_AT)
    world.sandbox.faults(AWAY)
    world.settle()
    words = staff.get("/staff").words
    assert (
        "Charging is paused. The acquirer has not answered, or has made no charge for us, since Tuesday 16 March 2027 at 09:00"
        in words
    )
    assert "6 charges wait" in words
    assert alarms(world) == {"charging_paused"}
    assert "ask the acquirer again at 09:01" in words
    answer = world.api.get("/readyz")
    assert (answer.status_code, answer.json()["charging"]) == (
        200,
        {
            "state": "paused",
            "waiting": 6,
            "since": "2027-03-16T07:00:00Z",
            "asks_again_at": "2027-03-16T07:01:00Z",
        },
    )
    done = run_on(world, "run")
    assert "Charging is paused since 2027-03-16 09:00 because the acquirer makes no charge" in done.stderr
    assert "6 wait; the worker asks the acquirer at 09:01" in done.stderr
    assert [line.strip() for line in done.stdout.splitlines()][4:6] == [
        "skipped 6",
        "6: charging was paused, because the acquirer makes no charge; it waits",
    ]


@pytest.mark.prove
def test_a_reader_who_gives_another_card_meanwhile_is_told_that_it_waits(world: World) -> None:
    browser = world.browser()
    browser.start("thandi@example.com")
    world.settle()
    world.sandbox.decline(
        world.rows("SELECT gateway_ref FROM payment_method")[0]["gateway_ref"], "insufficient_funds"
    )
    world.advance(days=1)
    begin(world, 3)
    world.advance_to(local(2027, 3, 17, 8))
    world.sandbox.faults({**AWAY, "path": "/v1/payment_intents*"})
    world.advance_to(local(2027, 3, 17, 9))
    assert pause(world) is not None
    browser.get("/account")
    page = browser.sent_to("/account/card")
    browser.get(world.sandbox.fill_in(page, "5555555555554444"))
    assert browser.page.path == "/account"
    assert "we charge the card as soon as it can" in browser.page.text
    assert len(world.rows("SELECT id FROM attempt WHERE state = 'open' AND by_reader")) == 1
    world.sandbox.faults()
    world.advance(hours=2)
    ledger_checks.check(world)
    assert {row["state"] for row in world.rows("SELECT state FROM subscription")} == {"active"}
    assert len(world.charges()) == 4
