"""Events that can't be settled: retried, set aside if they break us, shown, and settled again after a fix."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from click.testing import Result

from billing.acquirer.stripe.events import SIGNALS
from billing.webhooks.inbox import by_id, replay
from tests.support import ledger_checks
from tests.support.actors import BY
from tests.support.broken_tables import refused_rows
from tests.support.cli import run_on
from tests.support.staff_members import add, sign_in
from tests.support.starting_points import subscriber
from tests.support.webhook_messages import event, post
from tests.support.world import World, local

MINUTES = (1, 5, 15, 60)
BROKEN = "amount < 0"
"""No valid payment, so settling a charge from its event fails."""


def command(world: World, *words: str) -> Result:
    return run_on(world, "webhooks", *words)


@pytest.fixture
def poisoned(make_world: Callable[..., World]) -> World:
    """A charge succeeded at Stripe, but settling both our answer and its event failed. After three tries the event is set
    aside.
    """
    world = make_world(event_tries=3)
    subscriber(world, "notified")
    with refused_rows(world, "payment", BROKEN):
        world.advance_to(local(2027, 3, 16, 9, 6))
    return world


def aside(world: World) -> list[dict[str, Any]]:
    return world.rows(
        "SELECT event_ref AS id, event_type AS type, failures, tries FROM inbound_event WHERE set_aside_at IS NOT NULL"
    )


def test_an_event_that_breaks_us_is_set_aside_and_holds_up_nobody(poisoned: World) -> None:
    assert [(row["type"], row["failures"]) for row in aside(poisoned)] == [("payment_intent.succeeded", 3)]
    waiting = poisoned.rows(
        "SELECT event_type FROM inbound_event WHERE settled_at IS NULL AND set_aside_at IS NULL"
    )
    assert waiting == []
    with refused_rows(poisoned, "payment", BROKEN):
        poisoned.advance(days=1)
    assert aside(poisoned)[0]["tries"] == 3, "it is tried no more by itself"
    assert poisoned.api.get("/readyz").json()["events_set_aside"] == 1


def test_the_command_shows_it_and_settles_it_again(poisoned: World) -> None:
    name = aside(poisoned)[0]["id"]
    listed = command(poisoned, "list", "--poisoned").stdout
    assert listed.count("\n") == 1
    assert f"{name}  payment_intent.succeeded  set aside after 3 failures: " in listed
    assert "thandi" not in listed
    with refused_rows(poisoned, "payment", BROKEN):
        again = command(poisoned, "replay", name)
    assert (again.exit_code, "waits after 1 tries" in again.stdout) == (1, True)

    again = command(poisoned, "replay", name)
    assert (again.exit_code, again.stdout) == (0, f"{name}  payment_intent.succeeded  settled: charged\n")
    assert command(poisoned, "list", "--poisoned").stdout == "No event is set aside.\n"
    poisoned.advance(hours=2)
    ledger_checks.check(poisoned)
    assert len(poisoned.charges()) == 1
    lines = poisoned.rows(f"SELECT {BY}, act, subject FROM audit_line ORDER BY id")
    assert lines == [{"by": "command", "act": "replay_event", "subject": name}] * 2


def test_an_admin_settles_it_again_on_the_page(poisoned: World) -> None:
    name = aside(poisoned)[0]["id"]
    browser = sign_in(poisoned, add(poisoned, "admin").email)
    words = browser.get("/staff/webhooks").words
    assert "These broke us again and again" in words
    assert name in words
    (row,) = poisoned.rows("SELECT id FROM inbound_event WHERE event_ref = :name", name=name)
    browser.post(f"/staff/webhooks/{row['id']}/replay")
    assert browser.page.path == "/staff/webhooks"
    poisoned.settle()
    assert "None: every event could be settled" in browser.get("/staff/webhooks").words
    poisoned.advance(hours=2)
    ledger_checks.check(poisoned)
    assert poisoned.rows(f"SELECT {BY}, subject FROM audit_line WHERE act = 'replay_event'") == [
        {"by": "staff:admin@paper.example", "subject": name}
    ]


@pytest.mark.prove
@pytest.mark.usefixtures("paid")
def test_a_settled_event_replayed_changes_nothing(world: World) -> None:
    before = ledger_checks.end_state(world)
    for row in world.rows("SELECT event_ref AS id FROM inbound_event"):
        with world.services.database.transaction() as session:
            replay(by_id(session, row["id"]), world.now)
    world.settle()
    assert ledger_checks.end_state(world) == before
    ledger_checks.check(world)


def test_an_event_nobody_knows_is_a_refusal_in_one_line(world: World) -> None:
    done = command(world, "replay", "evt_none")
    assert done.exit_code == 1
    assert str(done.exception) == "There is no event with this id."
    assert command(world, "list").stdout == "No event has come.\n"


@pytest.mark.prove
def test_that_stripe_is_away_poisons_nothing(make_world: Callable[..., World]) -> None:
    """A day without answers: the event waits, is tried less and less often, and is settled when Stripe answers."""
    world = make_world(event_tries=2)
    world.browser().start("closes@example.com", come_back=False)
    world.sandbox.faults({"effect": "500_before", "method": "GET", "times": None})
    world.settle()
    for minutes in (1, 5, 15):
        world.skip_to(world.now.replace(microsecond=0))
        world.advance(minutes=minutes)
    rows = world.rows(
        "SELECT tries, failures, set_aside_at FROM inbound_event WHERE event_type = 'checkout.session.completed'"
    )
    assert [(row["failures"], row["set_aside_at"]) for row in rows] == [(0, None)]
    assert rows[0]["tries"] >= 3
    world.sandbox.faults()
    world.advance(hours=2)
    assert [row["state"] for row in world.rows("SELECT state FROM subscription")] == ["trialing"]
    ledger_checks.check(world)


def test_a_type_nobody_handles_is_kept_and_acknowledged(world: World) -> None:
    answer = post(world, event(world, type="climate.order.created"))
    assert (answer.status_code, answer.json()) == (200, {"received": True, "new": True})
    world.settle()
    assert world.rows("SELECT event_type, outcome FROM inbound_event") == [
        {"event_type": "climate.order.created", "outcome": "not for us"}
    ]
    assert "climate.order.created" not in SIGNALS


def test_live_events_are_nothing_to_a_test_installation_and_the_other_way_round(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(answer: httpx.Response) -> bool:
        return (answer.status_code, answer.json().get("code")) == (400, "other_mode")

    assert refused(post(world, event(world, livemode=True)))
    assert post(world, event(world, livemode=False)).status_code == 200
    # as a gateway with a live key, which the tests' own settings refuse
    monkeypatch.setattr(world.services.gateway, "_live", True)
    assert refused(post(world, event(world, id="evt_2", livemode=False)))
    assert post(world, event(world, id="evt_3", livemode=True)).status_code == 200
    assert [
        row["id"] for row in world.rows("SELECT event_ref AS id FROM inbound_event ORDER BY event_ref")
    ] == [
        "evt_3",
        "evt_of_the_test",
    ]


@pytest.mark.usefixtures("in_trial")
def test_another_installations_charge_on_the_same_account_is_not_ours(world: World) -> None:
    """Two test installations share an account, and each gets the other's events."""
    card = world.rows("SELECT customer_ref, gateway_ref FROM payment_method")[0]
    world.sandbox.client().v1.payment_intents.create(
        {
            "amount": 7500,
            "currency": "zar",
            "customer": card["customer_ref"],
            "payment_method": card["gateway_ref"],
            "allowed_payment_method_types": ["card"],
            "off_session": "recurring",
            "confirm": True,
            "metadata": {"attempt": "att_of_another_installation"},
        }
    )
    world.settle()
    outcomes = world.rows("SELECT outcome FROM inbound_event WHERE event_type = 'payment_intent.succeeded'")
    assert outcomes == [{"outcome": "not our charge"}]
    assert world.rows("SELECT id FROM payment") == []
