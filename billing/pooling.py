"""Is there a proxy between us and PostgreSQL that gives each transaction another session? Then nothing of a session's is ours:
advisory locks leak, and what they claim stays claimed for ever."""

import psycopg

from billing.db import Database, first_line
from billing.errors import RefusesToStart

ROUNDS = 5
"""Others may use the same proxy meanwhile, and hide it once."""
PID = "SELECT pg_backend_pid()"


def refuse_transaction_pooling(database: Database) -> None:
    """Raises RefusesToStart where the address leads through such a proxy, or to nothing.

    On connections of their own, outside the pool: through the proxy, time limits that are set would reach other people."""
    try:
        with (
            psycopg.connect(
                database.address, autocommit=True, prepare_threshold=None, connect_timeout=10
            ) as one,
            psycopg.connect(
                database.address, autocommit=True, prepare_threshold=None, connect_timeout=10
            ) as other,
        ):
            shared = shares_sessions(one, other)
    except psycopg.OperationalError as error:
        raise RefusesToStart(
            f"The database can't be reached ({first_line(error)}). Check BILLING_DATABASE_URL."
        ) from None
    if shared:
        raise RefusesToStart(
            "BILLING_DATABASE_URL leads through a proxy that pools transactions (PgBouncer with pool_mode = transaction, or"
            " its like): advisory locks would leak, and claims be held for ever. Name the PostgreSQL server itself."
        )


def shares_sessions(one: psycopg.Connection, other: psycopg.Connection) -> bool:
    """Whether these two connections of ours don't keep a session of PostgreSQL each. While a transaction of the other is open,
    it holds the session that `one` had last, or `one` is given another."""
    for _ in range(ROUNDS):
        mine = _session_of(one)
        with other.transaction():
            # compared first: where the proxy has one session in all, `one` would wait for it without end
            if _session_of(other) == mine or _session_of(one) != mine:
                return True
    return False


def _session_of(connection: psycopg.Connection) -> int:
    row = connection.execute(PID).fetchone()
    assert row is not None
    return int(row[0])
