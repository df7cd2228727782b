"""Stripe is asked what happened while the database is in trouble, or something can't be taken in: right money stays, and one thing
that breaks holds up no other."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from billing import installation, stop_points
from billing.reports.recover import recover, recover_due
from billing.timetable import Lane, tick
from tests.reports.operator import broken
from tests.support import ledger_checks
from tests.support.broken_tables import refused_rows
from tests.support.locked_row import hurried, locked_row
from tests.support.world import World, local

READERS = ("one@example.com", "two@example.com", "three@example.com")


@pytest.fixture
def restored(world: World) -> World:
    """Three readers were charged since the backup that was restored and adopted; Stripe isn't asked yet."""
    for number, email in enumerate(READERS):
        world.start_trial(email, f"pm_card_visa__{number}")
    world.advance_to(local(2027, 3, 15, 20))
    world.back_up()
    world.advance_to(local(2027, 3, 16, 12))
    world.restore_backup()
    with world.parts.database.transaction() as session:
        installation.adopt(session, world.now)
    return world


def is_held(world: World) -> bool:
    with world.parts.database.transaction() as session:
        return isinstance(installation.held_by(session), installation.AsksStripe)


def test_a_charge_whose_row_is_locked_stays_and_money_waits_for_it(restored: World) -> None:
    world = restored
    [stuck, *_] = world.rows("SELECT id FROM subscription ORDER BY id")
    with hurried(world) as parts, locked_row(world, "subscription", stuck["id"]):
        recover_due(parts.clerk, world.now)
    assert world.rows("SELECT charge_ref FROM unexplained_charge") == []
    assert is_held(world)
    world.advance(hours=2)
    assert not is_held(world)
    assert world.sandbox.refunds() == []
    assert len(world.rows("SELECT id FROM payment")) == len(world.charges()) == 3
    assert broken(world) == {}
    ledger_checks.check(world)


@contextmanager
def one_connection_cut(world: World, point: str) -> Iterator[None]:
    """The server ends the session that is at work where this stop point is passed first: as it does when it is restarted."""
    cut = False

    def listen(name: str) -> None:
        nonlocal cut
        if name == point and not cut:
            cut = True
            world.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
                " WHERE datname = current_database() AND state = 'idle in transaction' AND pid <> pg_backend_pid()"
            )

    stop_points.listen(listen)
    try:
        yield
    finally:
        stop_points.listen(None)
    assert cut


def test_a_charge_stays_where_the_connection_is_cut(restored: World) -> None:
    world = restored
    with one_connection_cut(world, "reports.recover._charge commits"):
        recover_due(world.parts.clerk, world.now)
    assert world.rows("SELECT charge_ref FROM unexplained_charge") == []
    assert is_held(world)
    world.advance(hours=2)
    assert world.sandbox.refunds() == []
    assert len(world.rows("SELECT id FROM payment")) == 3


def test_a_charge_that_is_taken_in_before_it_goes_back_stays(restored: World) -> None:
    """What broke is mended, and the news of the charge comes again."""
    world = restored
    with refused_rows(world, "payment", "false"):
        found = recover(world.parts.clerk, world.now)
    assert found is not None
    assert (found.charges, found.unexplained) == (0, 3)
    said = {row["what"] for row in world.rows("SELECT what FROM staff_case WHERE kind = 'unknown_charge'")}
    assert all("could not be written down here" in what for what in said), said
    for event in world.sandbox.events():
        if event["type"] == "payment_intent.succeeded":
            world.sandbox.resend(event["id"])
    world.sandbox.settle()
    tick(world.parts, lane=Lane.EVENTS)
    assert len(world.rows("SELECT id FROM payment")) == 3
    world.advance(days=1)
    assert world.sandbox.refunds() == []
    assert world.rows("SELECT charge_ref FROM unexplained_charge") == []
    closed = world.rows("SELECT reason FROM staff_case WHERE kind = 'unknown_charge'")
    assert {row["reason"] for row in closed} == {"The charge has been taken in since, so the money stays."}
    assert broken(world) == {}
