"""A merge against a sign-in, a start, a charge and another merge: whoever is first, one account has all, and never two subscriptions."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa

from billing.billing_run.run import run
from billing.personal_data import merge
from billing.platform.actors import Command
from billing.platform.errors import Refusal
from billing.readers.register import ReaderMerged
from tests.proofs.steps import together
from tests.support.merging import SECOND, do_merge, healthy
from tests.support.newsroom import Newsroom
from tests.support.starting_points import Subscriber
from tests.support.two_connections import fail_instead_of_waiting
from tests.support.world import World

SESSION = (
    "INSERT INTO reader_session (id, token_hash, reader_id, started_at, seen_at, ip, device, email_verified)"
    " VALUES ('ses_late', 'x', :reader, now(), now(), '196.25.1.9', 'Phone', true)"
)


@contextmanager
def under_way(world: World, stays: str, goes: str) -> Iterator[None]:
    """The merge's transaction, open during the block."""
    services = world.services
    with services.database.begin(services.site, world.now, Command("test")) as ctx:
        merge.merge(ctx, stays, goes)
        yield


def sign_in(world: World, reader_id: str, *, waiting: bool = True) -> None:
    with world.services.database.transaction() as session:
        if not waiting:
            fail_instead_of_waiting(session)
        session.execute(sa.text(SESSION), {"reader": reader_id})


def test_a_session_that_begins_meanwhile_waits_and_is_refused(world: World, paid: Subscriber) -> None:
    goes = Newsroom(world).add_reader(SECOND)
    with under_way(world, paid.reader_id, goes), pytest.raises(sa.exc.OperationalError):
        sign_in(world, goes, waiting=False)
    with pytest.raises(sa.exc.IntegrityError):
        sign_in(world, goes)
    healthy(world)


def test_a_session_that_is_nearly_there_makes_the_merge_give_up(world: World, paid: Subscriber) -> None:
    goes = Newsroom(world).add_reader(SECOND)
    with psycopg.connect(world.services.database.address) as other:
        other.execute(SESSION.replace(":reader", f"'{goes}'").encode())
        with pytest.raises(merge.AccountsBusy):
            do_merge(world, paid.reader_id, goes)
    do_merge(world, paid.reader_id, goes)
    (row,) = world.rows("SELECT reader_id, ended_at FROM reader_session WHERE id = 'ses_late'")
    assert row["reader_id"] == paid.reader_id
    assert row["ended_at"] is not None
    healthy(world)


@pytest.mark.parametrize("number", range(4))
def test_a_trial_that_starts_on_the_other_account(world: World, paid: Subscriber, number: int) -> None:
    goes = Newsroom(world).add_reader(SECOND)
    merged, started = together(
        partial(do_merge, world, paid.reader_id, goes), partial(world.try_trial, SECOND, "pm_card_amex")
    )
    world.settle()
    assert isinstance(merged, str | Refusal), merged
    live = world.rows("SELECT reader_id FROM subscription WHERE state <> 'ended'")
    assert len({row["reader_id"] for row in live}) == len(live)
    if isinstance(merged, str):
        assert started.status_code in (409, 410), started.text
    assert started.status_code in (201, 409, 410), started.text
    healthy(world)


@pytest.mark.parametrize("number", range(4))
def test_a_billing_run_that_charges_it(world: World, paid: Subscriber, number: int) -> None:
    stays = Newsroom(world).add_reader(SECOND)
    (due,) = world.rows("SELECT next_action_at FROM subscription")
    world.skip_to(due["next_action_at"])

    def charge() -> Any:
        return run(world.services.run_context, world.now)

    merged, _ = together(partial(do_merge, world, stays, paid.reader_id), charge)
    assert isinstance(merged, str | Refusal), merged
    world.settle()
    if not isinstance(merged, str):
        do_merge(world, stays, paid.reader_id)
    rows = world.rows("SELECT reader_id, count(*) AS n FROM payment GROUP BY 1")
    assert rows == [{"reader_id": stays, "n": 2}]
    assert len(world.charges()) == 2
    healthy(world)


@pytest.mark.parametrize("number", range(4))
def test_two_merges_of_the_same_two(world: World, paid: Subscriber, number: int) -> None:
    other = Newsroom(world).add_reader(SECOND)
    found = together(
        partial(do_merge, world, paid.reader_id, other), partial(do_merge, world, other, paid.reader_id)
    )
    (refused,) = (each for each in found if not isinstance(each, str))
    assert isinstance(refused, ReaderMerged | merge.AccountsBusy), refused
    assert len(world.rows("SELECT id FROM reader_merge")) == 1
    healthy(world)
