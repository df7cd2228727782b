"""A charge was refunded after the restored backup was taken; only a reader who had left has left again."""

from collections.abc import Callable

import pytest

from billing.disputes.stop import stop_renewals
from billing.platform.actors import WORKER, Acquirer
from tests.proofs.many_readers import CHARGE_AT
from tests.proofs.many_readers import cancel as ask_to_cancel
from tests.proofs.steps import intend, send, settle_attempt
from tests.support.cli import run_on
from tests.support.starting_points import Subscriber
from tests.support.world import World


def leaves(world: World, subscription_id: str) -> None:
    """The reader cancels."""
    assert ask_to_cancel(world, subscription_id).status_code == 200


def is_given(world: World, subscription_id: str) -> None:
    """The period is given away after an outage of ours."""
    world.execute("UPDATE invoice SET state = 'void' WHERE subscription_id = :id", id=subscription_id)


def is_stopped(world: World, subscription_id: str) -> None:
    """The reader's bank calls a charge a fraud."""
    (row,) = world.rows("SELECT reader_id FROM subscription WHERE id = :id", id=subscription_id)
    with world.services.database.begin(world.services.site, world.now, WORKER) as ctx:
        assert stop_renewals(ctx, row["reader_id"], by=Acquirer("stripe"), reason="a warning")


@pytest.mark.parametrize(
    ("meanwhile", "cause", "left"),
    [(leaves, "race", True), (is_given, "given", False), (is_stopped, "stopped", False)],
)
def test_a_charge_that_went_back_cancels_only_for_a_reader_who_had_cancelled(
    world: World, notified: Subscriber, meanwhile: Callable[[World, str], None], cause: str, left: bool
) -> None:
    subscription_id = notified.subscription_id
    world.skip_to(CHARGE_AT)
    world.back_up()
    intend(world, subscription_id)
    attempt_id, answer = send(world, subscription_id)
    meanwhile(world, subscription_id)
    assert settle_attempt(world, attempt_id, answer) == "refunded"
    world.settle()
    (made,) = world.sandbox.refunds()
    assert made["metadata"]["cause"].partition(":")[0] == cause
    world.restore_backup()
    done = run_on(world, "adopt", "--yes")
    assert done.exit_code == 0, done.output
    assert world.rows("SELECT state, amount FROM refund") == [{"state": "succeeded", "amount": 7500}]
    asked_at = world.subscription(subscription_id)["cancel_requested_at"]
    assert (asked_at is not None) is left
    world.settle()
    assert len(world.sandbox.refunds()) == 1
