"""Is there a proxy between us and PostgreSQL that gives each transaction another session? Then nothing of a session's is ours:
advisory locks leak, and what they claim stays claimed for ever.

Some proxies keep a session for the client that has made it its own: RDS Proxy does from the first advisory lock or SET on
(https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-proxy-pinning.html). Those are welcome."""

import secrets

import psycopg

from billing.platform.db import Database, first_line
from billing.platform.errors import RefusesToStart

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
    """Whether a connection of ours that holds an advisory lock doesn't keep its session of PostgreSQL. While a transaction of the
    other is open, that has the session with the lock, or `one` is given another. The lock's number is drawn: where it leaks, it
    holds up nothing."""
    one.execute("SELECT pg_try_advisory_lock(%s)", [secrets.randbits(62)])
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
