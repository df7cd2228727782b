"""A block that only reads: no BEGIN and no COMMIT, and a refusal of what would need them."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from sqlmodel import col, select

from billing.platform.actors import WORKER
from billing.platform.context import TransactionContext
from billing.platform.counters import count_after_commit
from billing.platform.db import NeedsTransaction, lock_names, lock_one
from billing.readers.models import Reader
from billing.readers.register import by_id
from billing.subscriptions.coming_charges import COUNT_IN_MEMORY
from tests.support.starting_points import Subscriber
from tests.support.world import World

Act = Callable[[TransactionContext, Reader], Any]


def reading(world: World) -> AbstractContextManager[TransactionContext]:
    services = world.services
    return services.database.read(services.site, services.clock.now(), WORKER)


def email(world: World, reader_id: str) -> str:
    with world.services.database.transaction() as session:
        return session.get_one(Reader, reader_id).email


def change_it(_: TransactionContext, reader: Reader) -> None:
    reader.email = "changed@example.com"


def add_one(ctx: TransactionContext, _: Reader) -> None:
    ctx.session.add(Reader(id="rdr_new", email="new@example.com", created_at=ctx.at))


def delete_it(ctx: TransactionContext, reader: Reader) -> None:
    ctx.session.delete(reader)


def lock_its_row(ctx: TransactionContext, reader: Reader) -> None:
    lock_one(ctx.session, Reader, reader.id)


def query_with_a_lock(ctx: TransactionContext, reader: Reader) -> None:
    ctx.session.exec(select(Reader).where(col(Reader.id) == reader.id).with_for_update()).one()


def lock_a_name(ctx: TransactionContext, reader: Reader) -> None:
    lock_names(ctx.session, reader.id)


def set_for_the_transaction(ctx: TransactionContext, _: Reader) -> None:
    ctx.session.execute(COUNT_IN_MEMORY)


@pytest.mark.parametrize(
    "act",
    [change_it, add_one, delete_it, lock_its_row, query_with_a_lock, lock_a_name, set_for_the_transaction],
)
def test_what_needs_a_transaction_is_refused(act: Act, world: World, in_trial: Subscriber) -> None:
    with pytest.raises(NeedsTransaction), reading(world) as ctx:
        act(ctx, by_id(ctx.session, in_trial.reader_id))
    assert email(world, in_trial.reader_id) == in_trial.email


def test_each_statement_is_alone_and_sees_the_present(world: World, in_trial: Subscriber) -> None:
    held = "SELECT count(*) FROM pg_locks WHERE pid = pg_backend_pid() AND relation = 'reader'::regclass"
    with reading(world) as ctx:
        assert by_id(ctx.session, in_trial.reader_id).email == in_trial.email
        assert ctx.session.execute(sa.text(held)).scalar_one() == 0, "a statement before is still open"
        with psycopg.connect(world.services.database.address) as beside:
            beside.execute("UPDATE reader SET created_at = created_at - interval '1 day'")
        found = ctx.session.exec(select(Reader.created_at).where(col(Reader.id) == in_trial.reader_id)).one()
    with world.services.database.transaction() as session:
        assert session.get_one(Reader, in_trial.reader_id).created_at == found


def test_the_connection_opens_transactions_afterwards(world: World, in_trial: Subscriber) -> None:
    with reading(world) as ctx:
        by_id(ctx.session, in_trial.reader_id)
    with world.services.database.transaction() as session:
        lock_one(session, Reader, in_trial.reader_id).email = "undone@example.com"
        session.flush()
        session.rollback()
    assert email(world, in_trial.reader_id) == in_trial.email


def test_what_is_counted_in_it_is_counted_at_its_end(world: World) -> None:
    counted: list[tuple[str, ...]] = []

    class Counter:
        def add(self, *values: str) -> None:
            counted.append(values)

    with reading(world) as ctx:
        count_after_commit(ctx.session, Counter(), "seen")  # type: ignore[arg-type]
        assert counted == []
    assert counted == [("seen",)]
