"""Who is working on what. A claim is a number in a row, and the claimer holds an advisory lock with that number.

When a process dies its connection ends, and with it the lock and the claims: no lease to wait out, no heartbeat, no work
stolen from somebody who is merely slow.

The connection can end while the process lives, as when the server restarts or a standby takes over. Then the claims are lost
too: the process must stop working on them, which `check_still_ours` sees to."""

import secrets
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from sqlalchemy import ColumnElement
from sqlmodel import Session, SQLModel, col

from billing.platform import bulk
from billing.platform.db import Database, advisory_key
from billing.platform.errors import Unavailable

_CLASS = 771_001


class ClaimLost(Unavailable):
    """The connection that held our claims was cut, so others take them. What is left is done in another run."""

    code = "claim_lost"


@contextmanager
def worker_lock(database: Database) -> Iterator[int]:
    """A number for this run's claims, held for as long as the block runs and the process lives."""
    number = secrets.randbits(31)
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(
            sa.text("SELECT pg_advisory_lock(:class, :number)"), {"class": _CLASS, "number": number}
        )
        try:
            yield number
        finally:
            connection.execute(
                sa.text("SELECT pg_advisory_unlock(:class, :number)"), {"class": _CLASS, "number": number}
            )


@contextmanager
def only_one(database: Database, name: str) -> Iterator[bool]:
    """Whether nobody else is at work on what is called so; if so, nobody is for as long as the block runs."""
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        key = {"key": advisory_key(name)}
        if not connection.execute(sa.text("SELECT pg_try_advisory_lock(:key)"), key).scalar_one():
            yield False
            return
        try:
            yield True
        finally:
            connection.execute(sa.text("SELECT pg_advisory_unlock(:key)"), key)


def is_running(database: Database, name: str) -> bool:
    """Whether anybody is at work on what is called so."""
    with only_one(database, name) as free:
        return not free


LIVE_WORKERS = f"""SELECT objid::bigint FROM pg_locks
             WHERE locktype = 'advisory' AND classid = {_CLASS} AND granted
               AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"""  # noqa: S608
"""The numbers whose claimers are alive."""


def live_workers(session: Session) -> list[int]:
    """The numbers whose claimers are alive."""
    return list(session.execute(sa.text(LIVE_WORKERS)).scalars())


def check_still_ours(session: Session, me: int) -> None:
    """Raises ClaimLost where `me` isn't the number of a living claimer any more."""
    if me not in live_workers(session):
        raise ClaimLost


def assign(session: Session, table: type[SQLModel], ids: Collection[str], me: int) -> None:
    """Write that the rows with these ids, which this transaction has locked, are ours now. What the session has read of them
    still says whose they were. Raises ClaimLost."""
    if ids:
        check_still_ours(session, me)
        taking = sa.update(table).where(bulk.one_of(table.id, ids)).values(claimed_by=me)  # type: ignore[attr-defined]
        session.execute(taking.execution_options(synchronize_session=False))


def unclaimed(claimed_by: Any) -> ColumnElement[bool]:
    """The condition that a row isn't claimed, or was by somebody who has died. `claimed_by` is the column.

    Who lives is asked in the statement that reads the rows: asked before it, somebody could begin and claim in between,
    and would be taken for dead."""
    return sa.or_(
        col(claimed_by).is_(None),
        col(claimed_by).not_in(sa.text(LIVE_WORKERS).columns(sa.column("objid", sa.BigInteger))),
    )
