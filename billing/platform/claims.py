"""Who works on which row. A row holds a number, and its worker holds an advisory lock with that number.

When a process dies its connection ends, and with it the lock and the claims. So there is no lease to wait out, and a slow worker
keeps its work.

The connection can also end while the process lives, as when the server restarts or a standby takes over. Then the claims are
lost too, and the process must stop working on them: see `check_still_ours`."""

import secrets
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from sqlalchemy import ColumnElement
from sqlmodel import Session, SQLModel, col

from billing.platform.bulk import one_of
from billing.platform.db import Database, advisory_key
from billing.platform.errors import Unavailable

_CLASS = 771_001
"""First key of our two-key advisory locks."""


class ClaimLost(Unavailable):
    """The connection that held our claims was cut, so others take them. What is left is done in another run."""

    code = "claim_lost"


@contextmanager
def worker_lock(database: Database) -> Iterator[int]:
    """A number for this run's claims. It is locked until the block ends or the process dies."""
    number = secrets.randbits(31)  # each of the two keys is a signed 32-bit number
    key = {"class": _CLASS, "number": number}
    with database.autocommit() as connection:
        connection.execute(sa.text("SELECT pg_advisory_lock(:class, :number)"), key)
        try:
            yield number
        finally:
            connection.execute(sa.text("SELECT pg_advisory_unlock(:class, :number)"), key)


@contextmanager
def only_one(database: Database, name: str) -> Iterator[bool]:
    """Try to lock this name for the block. False: another worker holds it."""
    key = {"key": advisory_key(name)}
    with database.autocommit() as connection:
        if not connection.execute(sa.text("SELECT pg_try_advisory_lock(:key)"), key).scalar_one():
            yield False
            return
        try:
            yield True
        finally:
            connection.execute(sa.text("SELECT pg_advisory_unlock(:key)"), key)


def is_running(database: Database, name: str) -> bool:
    """Whether a worker holds this name."""
    with only_one(database, name) as free:
        return not free


LIVE_WORKERS = f"""SELECT objid::bigint FROM pg_locks
             WHERE locktype = 'advisory' AND classid = {_CLASS} AND granted
               AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"""  # noqa: S608
"""A query for the numbers whose workers are alive."""


def live_workers(session: Session) -> list[int]:
    """The numbers whose workers are alive."""
    return list(session.execute(sa.text(LIVE_WORKERS)).scalars())


def check_still_ours(session: Session, me: int) -> None:
    """Raises ClaimLost where the lock with the number `me` is gone."""
    if me not in live_workers(session):
        raise ClaimLost


def assign(session: Session, table: type[SQLModel], ids: Collection[str], me: int) -> None:
    """Claim the rows with these ids, which this transaction has locked. Objects that the session has loaded keep the old value.
    Raises ClaimLost."""
    if ids:
        check_still_ours(session, me)
        claim = sa.update(table).where(one_of(table.id, ids)).values(claimed_by=me)  # type: ignore[attr-defined]
        session.execute(claim.execution_options(synchronize_session=False))


def unclaimed(claimed_by: Any) -> ColumnElement[bool]:
    """The condition that a row has no claim, or a dead worker's. `claimed_by` is the column.

    The live workers are read in the same statement as the rows. Read before, a worker that begins and claims in between would
    seem dead."""
    return sa.or_(
        col(claimed_by).is_(None),
        col(claimed_by).not_in(sa.text(LIVE_WORKERS).columns(sa.column("objid", sa.BigInteger))),
    )
