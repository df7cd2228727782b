"""Two attempts for one invoice, and the reader cancels between them: the subscription waits for neither for ever."""

import pytest

from billing.acquirer.answers import Charged, Outcome
from billing.payments.charge import NotSent
from tests.proofs.steps import intend, send, settle_attempt
from tests.support import ledger_checks
from tests.support.cancel_helpers import cancel
from tests.support.starting_points import Subscriber
from tests.support.world import World

pytestmark = pytest.mark.rare


def renewed_twice(world: World, reader: Subscriber, second: str) -> list[tuple[str, Outcome | NotSent]]:
    """Two attempts and their answers, which aren't stored. The first is charged, and was given up as never sent, as after a
    restore. The second is `declined`, `charged`, or `not sent`."""
    world.skip_to(world.rows("SELECT next_action_at FROM subscription")[0]["next_action_at"])
    world.sandbox.trouble({"effect": "drop", "type": "*"})
    intend(world, reader.subscription_id)
    first = send(world, reader.subscription_id)
    world.execute("UPDATE attempt SET state = 'not_sent', settled_at = intended_at WHERE state = 'open'")
    world.execute(
        "UPDATE subscription SET charging_since = NULL, next_action = 'renew', next_action_at = now()"
    )
    world.skip_to(world.now)
    if second == "declined":
        world.sandbox.decline(
            world.rows("SELECT gateway_ref FROM payment_method")[0]["gateway_ref"], "generic_decline"
        )
    intend(world, reader.subscription_id)
    (row,) = world.rows("SELECT id FROM attempt WHERE state = 'open'")
    answer = (str(row["id"]), NotSent()) if second == "not sent" else send(world, reader.subscription_id)
    return [first, answer]


@pytest.mark.parametrize(
    ("second", "result"), [("declined", "declined"), ("charged", "refunded"), ("not sent", "not_sent")]
)
def test_the_second_answer_ends_the_wait_though_the_first_payment_went_back(
    world: World, paid: Subscriber, second: str, result: str
) -> None:
    first, answer = renewed_twice(world, paid, second)
    assert isinstance(first[1], Charged)
    cancel(world, paid.subscription_id, when="period_end", reason="other")
    assert settle_attempt(world, *first) == "refunded"
    (row,) = world.rows("SELECT charging_since FROM subscription")
    assert row["charging_since"] is not None, "the second is under way"
    assert settle_attempt(world, *answer) == result
    assert world.rows("SELECT charging_since FROM subscription") == [{"charging_since": None}]
    world.sandbox.trouble()
    world.settle()
    world.advance(days=32)
    assert world.subscription(paid.subscription_id)["status"] == "ended"
    ledger_checks.check(world)
