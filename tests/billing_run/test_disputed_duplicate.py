"""A bank disputes a payment for an invoice that another payment had paid: a debt of ours, and nothing that was read for it."""

import pytest

from billing.acquirer.answers import RefundAnswer
from billing.platform.actors import WORKER
from billing.refunds import refund
from tests.billing_run.test_answers_too_late import paid_twice
from tests.support import ledger_checks
from tests.support.declined_charge import Declined
from tests.support.disputed_charge import only_dispute
from tests.support.ledger_queries import balances
from tests.support.world import World

pytestmark = pytest.mark.rare


def duplicate_charge(world: World) -> str:
    """Stripe's id of the charge that goes back."""
    (row,) = world.rows("SELECT charge_ref FROM payment WHERE duplicate")
    return str(row["charge_ref"])


def reads_on(world: World, reader: Declined) -> bool:
    return bool(world.access(world.articles["subscriber"][0], reader.reader_id)["allowed"])


def lose(world: World) -> None:
    """The bank gives the duplicate back for good."""
    ref = str(world.sandbox.banks("dispute", charge=duplicate_charge(world))["id"])
    world.settle()
    world.sandbox.banks("lose", dispute=ref)
    world.settle()


def refund_state(world: World) -> str:
    (row,) = world.rows("SELECT state FROM refund")
    return str(row["state"])


def no_case_of_the_refund(world: World) -> bool:
    return not world.rows("SELECT 1 FROM staff_case WHERE kind = 'refund_failed' AND closed_at IS NULL")


def test_a_lost_dispute_of_a_duplicate_pays_the_debt_and_ends_no_reading(
    world: World, declined: Declined
) -> None:
    world.sandbox.banks("refunds", **{"as": "pending"})
    paid_twice(world, declined)
    assert balances(world)["refunds_owed"] == -7500
    lose(world)
    assert (only_dispute(world)["state"], refund_state(world)) == ("lost", "failed")
    assert reads_on(world, declined), "the other payment stands"
    assert {"refunds_owed", "refunds", "disputes"}.isdisjoint(balances(world)), "a debt paid, and no cost"
    assert no_case_of_the_refund(world)
    ledger_checks.check(world)


def test_a_duplicate_that_was_returned_already_and_is_lost_is_a_cost(
    world: World, declined: Declined
) -> None:
    paid_twice(world, declined)
    lose(world)
    assert (only_dispute(world)["state"], refund_state(world)) == ("lost", "succeeded")
    assert reads_on(world, declined)
    assert balances(world)["refunds"] == 7500
    assert "refunds_owed" not in balances(world)
    ledger_checks.check(world)


def test_the_decision_may_be_the_first_news_of_the_dispute(world: World, declined: Declined) -> None:
    """The refund that the dispute failed waited for that news."""
    world.sandbox.banks("refunds", **{"as": "pending"})
    paid_twice(world, declined)
    world.sandbox.trouble({"type": "charge.dispute.*", "effect": "drop"})
    lose(world)
    assert refund_state(world) == "pending"
    world.sandbox.trouble()
    (closed,) = [event for event in world.sandbox.events() if event["type"] == "charge.dispute.closed"]
    world.sandbox.resend(closed["id"])
    world.settle()
    world.advance(days=1, hours=1)
    assert (only_dispute(world)["state"], refund_state(world)) == ("lost", "failed")
    assert reads_on(world, declined)
    assert {"refunds_owed", "refunds", "disputes"}.isdisjoint(balances(world))
    assert no_case_of_the_refund(world)
    ledger_checks.check(world)


def test_a_refund_that_succeeds_after_the_dispute_was_lost_is_a_cost(
    world: World, declined: Declined
) -> None:
    """Stripe fails a pending refund of a disputed charge. Where an acquirer doesn't, its word counts."""
    world.sandbox.banks("refunds", **{"as": "pending"})
    paid_twice(world, declined)
    world.sandbox.trouble({"type": "*refund*", "effect": "drop"})
    lose(world)
    assert (balances(world).get("refunds_owed"), refund_state(world)) == (None, "pending")
    (row,) = world.rows("SELECT id, gateway_ref FROM refund")
    with world.services.database.begin(world.services.site, world.now, WORKER) as ctx:
        refund.settle(ctx, row["id"], RefundAnswer(row["gateway_ref"], "succeeded", None))
    assert balances(world)["refunds"] == 7500
    assert "refunds_owed" not in balances(world)
    ledger_checks.check_payments(world)
