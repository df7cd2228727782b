"""Refunds and card pages with lost answers: Stripe is asked, and each happens once."""

from datetime import timedelta
from typing import Any

import pytest

from tests.support import ledger_checks
from tests.support.broken_tables import refused_rows
from tests.support.starting_points import Subscriber
from tests.support.world import World, local

GIVING = {"method": "POST", "path": "/v1/refunds"}
NEWS = {"effect": "drop"}


def give_back(world: World) -> None:
    """Ask for a refund of a third of a payment, without events from Stripe."""
    world.sandbox.trouble(NEWS)
    payment = world.rows("SELECT id FROM payment")[0]["id"]
    answer = world.api.post(f"/v1/payments/{payment}/refunds", json={"amount": 2500, "reason": "A kindness."})
    assert answer.status_code == 201, answer.text


@pytest.fixture
def giving(world: World, paid: Subscriber) -> Subscriber:
    """A reader with one payment, of which a third is to be refunded."""
    give_back(world)
    return paid


def jump(world: World, **span: float) -> None:
    """Let time pass without a worker."""
    world.skip_to(world.now + timedelta(**span))


def state(world: World) -> tuple[str, int]:
    (row,) = world.rows("SELECT state, poll_count FROM refund")
    return row["state"], row["poll_count"]


def check_once(world: World) -> None:
    ledger_checks.check(world)
    assert [(row["amount"], row["status"]) for row in world.sandbox.refunds()] == [(2500, "succeeded")]
    assert state(world)[0] == "succeeded"
    assert len([letter for letter in world.letters() if "CN-000001" in letter.text]) == 1


@pytest.mark.parametrize(
    "effect",
    [
        "timeout_after",
        "reset_before",
        *(pytest.param(each, marks=pytest.mark.prove) for each in ("cut", "reset_after", "429", "500_after")),
    ],
)
@pytest.mark.usefixtures("giving")
def test_what_became_of_a_refund_is_asked_a_minute_later(world: World, effect: str) -> None:
    world.sandbox.faults({**GIVING, "effect": effect, "times": None, "seconds": 0.2})
    world.settle()
    assert state(world) == ("intended", 1)
    world.sandbox.faults()
    world.advance(minutes=2)
    check_once(world)


@pytest.mark.usefixtures("giving")
def test_a_part_does_not_go_back_twice_when_its_key_is_forgotten(world: World) -> None:
    """Stripe forgets keys after a day. Two refunds of parts look alike to it, so only a look-up tells them apart."""
    world.sandbox.faults({**GIVING, "effect": "timeout_after", "times": None, "seconds": 0.2})
    world.settle()
    world.sandbox.faults({"effect": "reset_before", "times": None})
    jump(world, hours=25)
    world.settle()
    assert state(world) == ("intended", 2)
    world.sandbox.faults()
    world.advance(hours=2)
    check_once(world)


@pytest.mark.prove
@pytest.mark.usefixtures("giving")
def test_a_refund_that_never_arrived_goes_a_day_later_under_another_key(world: World) -> None:
    first = world.rows("SELECT idempotency_key AS key FROM refund")[0]["key"]
    world.sandbox.faults({"effect": "reset_before", "times": None})
    world.settle()
    jump(world, hours=25)
    world.sandbox.faults()
    world.advance(minutes=5)
    check_once(world)
    assert world.rows("SELECT idempotency_key AS key FROM refund")[0]["key"] != first


@pytest.mark.usefixtures("giving")
def test_an_error_of_stripes_sticks_to_the_refunds_key(world: World) -> None:
    world.sandbox.faults({**GIVING, "effect": "500_before"})
    world.settle()
    world.advance(minutes=1)
    assert state(world) == ("intended", 2)
    assert world.sandbox.refunds() == []
    world.advance(minutes=5)
    check_once(world)


def test_a_refund_that_stripe_makes_wait_is_asked_for_each_day(world: World) -> None:
    """The event that would end it is lost."""
    world.start_trial("thandi@example.com", "pm_card_pendingRefund")
    world.advance_to(local(2027, 3, 16, 12))
    give_back(world)
    world.settle()
    assert state(world) == ("pending", 0)
    world.advance(days=3)
    check_once(world)


@pytest.mark.prove
@pytest.mark.usefixtures("giving")
def test_a_refund_that_breaks_us_holds_up_nobody(world: World) -> None:
    with refused_rows(world, "refund", "state <> 'succeeded'"):
        world.start_trial("other@example.com", "pm_card_visa__2")
        world.settle()
    assert state(world) == ("intended", 1)
    world.advance(minutes=1)
    check_once(world)


def visit(world: World) -> dict[str, Any]:
    (row,) = world.rows("SELECT state, poll_count FROM card_setup")
    return row


def test_the_reader_comes_back_while_stripe_says_nothing(world: World) -> None:
    """The worker looks the card up a minute later, and the trial begins without the reader."""
    world.sandbox.trouble(NEWS)
    world.sandbox.faults({"effect": "500_before", "method": "GET", "times": None})
    page = world.browser().start("thandi@example.com")
    assert "waiting for the card page" in page.words
    assert visit(world) == {"state": "open", "poll_count": 1}
    world.sandbox.faults()
    world.advance(minutes=1)
    assert visit(world)["state"] == "done"
    assert [row["state"] for row in world.rows("SELECT state FROM subscription")] == ["trialing"]
    assert len(world.letters("thandi@example.com")) == 1


def test_stripe_is_away_when_the_page_runs_out(world: World) -> None:
    """The card may be saved, so the visit stays open until Stripe confirms that it isn't."""
    world.sandbox.trouble(NEWS)
    world.browser().start("thandi@example.com", come_back=False)
    world.sandbox.faults({"effect": "500_before", "method": "GET", "times": None})
    jump(world, hours=23)
    world.settle()
    assert visit(world) == {"state": "open", "poll_count": 1}
    world.sandbox.faults()
    world.advance(minutes=1)
    assert visit(world)["state"] == "done"
    assert [row["state"] for row in world.rows("SELECT state FROM subscription")] == ["trialing"]


@pytest.mark.prove
def test_the_event_of_a_page_is_settled_when_the_page_is(world: World) -> None:
    """An event that was settled earlier, while Stripe didn't answer, would be lost."""
    world.browser().start("thandi@example.com", come_back=False)
    world.sandbox.faults({"effect": "500_before", "method": "GET", "times": None})
    world.settle()
    kind = "checkout.session.completed"
    assert world.rows("SELECT settled_at FROM inbound_event WHERE event_type = :kind", kind=kind) == [
        {"settled_at": None}
    ]
    world.sandbox.faults()
    world.advance(minutes=2)
    assert [row["state"] for row in world.rows("SELECT state FROM subscription")] == ["trialing"]
