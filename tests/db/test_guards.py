"""What the database itself refuses, whatever the code does."""

import psycopg
import pytest

from tests.support.starting_points import Subscriber
from tests.support.world import World


def run(world: World, statement: str) -> None:
    """Straight at the database, past all our code."""
    url = world.services.database.address
    with psycopg.connect(url) as connection:
        connection.execute(statement.encode())


def test_the_database_keeps_its_promises(world: World, paid: Subscriber) -> None:
    refused = [
        "UPDATE subscription SET state = 'nonsense'",
        "UPDATE subscription SET state = 'ended'",
        "UPDATE subscription SET next_action_at = NULL",
        "UPDATE subscription SET cancel_asked_at = started_at",
        "UPDATE subscription_change SET reason = 'something else'",
        "DELETE FROM subscription_change",
        "UPDATE consent SET amount = 1",
        "DELETE FROM consent",
        "UPDATE invoice SET number = NULL",
        "UPDATE invoice SET vat = vat + 1",
        "UPDATE invoice SET gross = -gross, net = -net, vat = -vat",
        "UPDATE attempt SET settled_at = NULL",
        "INSERT INTO payment (id, invoice_id, attempt_id, reader_id, amount, currency, acquirer, intent_ref, charge_ref, duplicate,"
        " paid_at) SELECT 'pay_2', invoice_id, attempt_id, reader_id, amount, currency, acquirer, 'pi_2', 'ch_2', true, paid_at FROM payment",
        "INSERT INTO trial_claim SELECT * FROM trial_claim",
        "UPDATE message SET accepted_at = NULL WHERE state = 'accepted'",
    ]
    for statement in refused:
        with pytest.raises(psycopg.errors.IntegrityError):
            run(world, statement)
    assert world.subscription(paid.subscription_id)["status"] == "active"


def test_a_second_live_subscription_is_refused(world: World, paid: Subscriber) -> None:
    with pytest.raises(psycopg.errors.UniqueViolation, match="one_live_subscription"):
        run(
            world,
            "INSERT INTO subscription (id, reader_id, plan_id, price_id, state, started_at, charge_on, period_number,"
            " access_until, next_action, next_action_at) SELECT 'sub_2', reader_id, plan_id, price_id, state, started_at,"
            " charge_on, period_number, access_until, next_action, next_action_at FROM subscription",
        )


def test_a_second_invoice_for_a_period_is_refused(world: World, paid: Subscriber) -> None:
    with pytest.raises(psycopg.errors.UniqueViolation, match="one_invoice_a_period"):
        run(
            world,
            "INSERT INTO invoice (id, subscription_id, plan_id, reader_id, state, period_number, period_start_on, period_end_on,"
            " description, gross, net, vat, vat_basis_points, currency, created_at) SELECT 'inv_2', subscription_id, plan_id, reader_id,"
            " 'open', period_number, period_start_on, period_end_on, description, gross, net, vat, vat_basis_points, currency,"
            " created_at FROM invoice",
        )


def test_a_second_open_invoice_is_refused(world: World, paid: Subscriber) -> None:
    another = (
        "INSERT INTO invoice (id, subscription_id, plan_id, reader_id, state, period_number, period_start_on, period_end_on,"
        " description, gross, net, vat, vat_basis_points, currency, created_at) SELECT 'inv_{0}', subscription_id, plan_id, reader_id,"
        " 'open', {0}, period_start_on, period_end_on, description, gross, net, vat, vat_basis_points, currency,"
        " created_at FROM invoice WHERE period_number = 1"
    )
    run(world, another.format(2))
    with pytest.raises(psycopg.errors.UniqueViolation, match="one_open_invoice"):
        run(world, another.format(3))


def test_refunds_beyond_the_payment_are_refused_at_commit(world: World, paid: Subscriber) -> None:
    with pytest.raises(psycopg.errors.CheckViolation, match="exceed the payment"):
        run(
            world,
            "INSERT INTO refund (id, payment_id, reader_id, acquirer, amount, net, vat, state, cause, reason, actor_kind, actor_id,"
            " idempotency_key, created_at, next_poll_at, keyed_at, poll_count, key_unusable) SELECT 'ref_' || n, id, reader_id, acquirer, 4000, 3478,"
            " 522, 'intended', 'c' || n, 'r', 'command', 'b', 'k' || n, paid_at, paid_at, paid_at, 0, false FROM payment,"
            " generate_series(1, 2) AS n",
        )
