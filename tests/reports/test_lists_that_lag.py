"""The comparison of the books while Stripe's lists lack the newest objects."""

import pytest

from tests.reports.operator import broken
from tests.support import ledger_checks
from tests.support.world import World, local


@pytest.mark.usefixtures("paid")
def test_what_came_back_seconds_before_a_payout_is_counted_in_it(world: World) -> None:
    """The payout's list lacks it when the payout's event arrives, and has it some minutes later."""
    world.advance_to(local(2027, 3, 24, 12))
    (first,) = world.sandbox.payouts()
    assert first["status"] == "paid"
    world.advance_to(local(2027, 3, 26, 3, 59, 50))  # Stripe pays out at 02:00 UTC
    world.sandbox.banks("payout_fails", payout=first["id"])
    world.sandbox.lag(60)
    world.advance_to(local(2027, 3, 26, 4))
    assert len(world.sandbox.payouts()) == 2
    assert len(world.rows("SELECT ref FROM payout")) == 1, "not before it is listed whole"
    world.advance_to(local(2027, 3, 28, 12))
    assert len(world.rows("SELECT ref FROM payout")) == 2
    assert world.rows("SELECT kind, what FROM staff_case") == []
    assert broken(world) == {}
    ledger_checks.check(world)


@pytest.mark.usefixtures("notified")
def test_the_mornings_find_nothing_missing(world: World) -> None:
    """Charges, refunds and disputes of a day, while every list lags by half an hour."""
    world.sandbox.lag(1800)
    world.advance_to(local(2027, 3, 16, 12))
    payment = world.rows("SELECT id FROM payment")[0]["id"]
    body = {"amount": 2500, "reason": "A kindness."}
    world.api.post(f"/v1/payments/{payment}/refunds", json=body).raise_for_status()
    world.advance_to(local(2027, 3, 17, 12))
    world.sandbox.banks("dispute", charge=world.charges()[-1]["id"], amount=5000)
    world.advance_to(local(2027, 3, 19, 12))
    assert [row["kind"] for row in world.rows("SELECT kind FROM staff_case")] == ["dispute"]
    assert broken(world) == {}
    ledger_checks.check(world)
