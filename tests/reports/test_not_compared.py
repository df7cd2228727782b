"""Whatever could not be compared with Stripe's books raises an alarm, and nothing stops later comparisons."""

from datetime import date
from typing import Any

import httpx
import pytest

from billing.reconcile.reconcile import reconcile
from tests.reports.operator import broken, command, execute
from tests.support.metrics import alarms
from tests.support.world import World, local

CHARGE_DAY = date(2027, 3, 16)


def readiness(world: World) -> dict[str, Any]:
    """What `/readyz` says of the books."""
    return dict(httpx.get(f"{world.url}/readyz", trust_env=False).json()["books"])


def cases(world: World) -> list[tuple[str, str]]:
    return [
        (row["kind"], row["subject"])
        for row in world.rows("SELECT kind, subject FROM staff_case ORDER BY id")
    ]


def compared_through(world: World) -> date:
    return world.rows("SELECT max(through) AS day FROM reconciliation WHERE done_at IS NOT NULL")[0]["day"]  # type: ignore[no-any-return]


BOOKS = {"method": "GET", "path": "/v1/balance_transactions", "effect": "500_before", "times": None}


@pytest.mark.usefixtures("paid")
def test_days_that_are_not_compared_are_told_by_readiness_doctor_and_a_case(world: World) -> None:
    assert readiness(world) == {"state": "compared"}
    world.sandbox.faults(BOOKS)
    world.advance_to(local(2027, 3, 17, 20))
    assert (readiness(world)["state"], broken(world)) == ("compared", {}), "it may still be made"
    world.advance_to(local(2027, 3, 18, 2))
    late = readiness(world)
    assert (late["state"], alarms(world)) == ("late", {"books_late"})
    assert late["problem"].startswith("Unavailable: ")
    assert list(broken(world)) == ["books-are-compared"]
    world.advance_to(local(2027, 3, 18, 4))
    assert cases(world) == [("promise_broken", "books-are-compared:2027-03-16")]
    code, said, _ = command(world, "doctor")
    assert (code, "1 broken  books-are-compared" in said) == (1, True), said
    world.sandbox.faults()
    world.advance_to(local(2027, 3, 18, 12))
    assert readiness(world) == {"state": "compared", "through": "2027-03-17"}
    assert broken(world) == {}
    world.sandbox.faults(BOOKS)
    world.advance_to(local(2027, 3, 20, 4))
    assert ("promise_broken", "books-are-compared:2027-03-18") in cases(world), "another time is another case"


@pytest.mark.usefixtures("paid")
def test_a_comparison_that_is_not_made_at_all_is_told_too(world: World) -> None:
    """Nothing is tried, so nothing fails: other work blocks the worker's queue."""
    world.advance_to(local(2027, 3, 17, 12))
    execute(
        world,
        "UPDATE reconciliation SET next_at = '2027-03-17 03:00+00', through = '2027-03-15', since = '2027-03-15'",
    )
    world.skip_to(local(2027, 3, 17, 18))
    assert readiness(world)["state"] == "late"
    assert broken(world)["books-are-compared"] == ["2027-03-16"]


@pytest.mark.usefixtures("paid")
def test_a_charge_for_which_stripe_has_no_answer_ends_nothing(world: World) -> None:
    """It is the only difference, and Stripe answers every look-up of it with an error of its own."""
    execute(world, "DELETE FROM payment")
    world.sandbox.faults({"method": "GET", "path": "/v1/charges/*", "effect": "500_before", "times": None})
    world.advance_to(local(2027, 3, 19, 12))
    assert compared_through(world) == date(2027, 3, 18)
    assert "unknown_charge" in {kind for kind, _ in cases(world)}


def test_a_dispute_for_which_stripe_has_no_answer_ends_nothing_and_is_told(world: World) -> None:
    world.start_trial("one@example.com", "pm_card_createDispute")
    world.advance_to(local(2027, 3, 16, 12))
    [dispute] = world.sandbox.disputes()
    world.sandbox.faults({"method": "GET", "path": "/v1/disputes/*", "effect": "500_before", "times": None})
    world.advance_to(local(2027, 3, 19, 12))
    assert compared_through(world) == date(2027, 3, 18)
    assert ("not_compared", dispute["id"]) in cases(world)
    assert broken(world) == {}


@pytest.mark.usefixtures("paid")
def test_more_movements_than_fit_a_page_are_all_compared(world: World) -> None:
    for _ in range(205):
        world.sandbox.banks("correct", amount=-1)
    report = reconcile(world.services.reconcile_context, CHARGE_DAY, CHARGE_DAY, world.now)
    assert (report.movements, len(report.differences)) == (206, 205)
    world.advance_to(local(2027, 3, 26, 12))
    [payout] = world.sandbox.payouts()
    inside = world.rows("SELECT ref FROM balance_movement WHERE payout_ref = :ref", ref=payout["id"])
    assert (payout["amount"], len(inside)) == (7082 - 205, 207)
    assert {kind for kind, _ in cases(world)} == {"unexpected_movement"}


@pytest.mark.usefixtures("paid")
def test_after_a_failure_a_day_is_compared_at_a_time(world: World) -> None:
    world.sandbox.faults(BOOKS)
    world.advance_to(local(2027, 3, 22, 12))
    world.sandbox.faults()
    world.advance_to(local(2027, 3, 22, 14))
    done = world.rows("SELECT since, through FROM reconciliation WHERE done_at IS NOT NULL ORDER BY through")
    assert done[0] == {"since": CHARGE_DAY, "through": CHARGE_DAY}
    assert compared_through(world) == date(2027, 3, 21)
