"""Detects a proxy that gives each transaction another session of PostgreSQL. Behind one, advisory locks leak, and claims stay
for ever.

Some proxies pin a session to a client: RDS Proxy does so after the first advisory lock or SET. Those pass the check.
Source: https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-proxy-pinning.html."""

import secrets

import psycopg

from billing.platform.db import Database
from billing.platform.db_errors import cannot_be_reached
from billing.platform.errors import RefusesToStart

ROUNDS = 5
"""Other clients of the same proxy may hide it in one round."""


def refuse_transaction_pooling(database: Database) -> None:
    """Raises RefusesToStart where the address leads through such a proxy, or to no server."""
    try:
        # not from the pool, whose SET of time limits would leak through the proxy to other clients
        with _connect(database) as locker, _connect(database) as other:
            shared = _shares_sessions(locker, other)
    except psycopg.OperationalError as error:
        raise cannot_be_reached(error) from None
    if shared:
        raise RefusesToStart(
            "BILLING_DATABASE_URL leads through a proxy that pools transactions (PgBouncer with pool_mode = transaction, or"
            " its like): advisory locks would leak, and claims be held for ever. Name the PostgreSQL server itself."
        )


def _connect(database: Database) -> psycopg.Connection:
    # prepares nothing: through such a proxy, the next session doesn't know the statement
    return psycopg.connect(database.address, autocommit=True, prepare_threshold=None, connect_timeout=10)


def _shares_sessions(locker: psycopg.Connection, other: psycopg.Connection) -> bool:
    """Whether a connection that holds an advisory lock can lose its session of PostgreSQL. Under a pooling proxy, an open
    transaction of `other` takes that session, or `locker` is moved to another one."""
    # a random number, so that a leaked lock blocks no later check
    locker.execute("SELECT pg_try_advisory_lock(%s)", [secrets.randbits(62)])
    for _ in range(ROUNDS):
        session = _session_of(locker)
        with other.transaction():
            # `other` first: behind a proxy with a single session, `locker` would wait for it for ever
            if _session_of(other) == session or _session_of(locker) != session:
                return True
    return False


def _session_of(connection: psycopg.Connection) -> int:
    row = connection.execute("SELECT pg_backend_pid()").fetchone()
    assert row is not None
    return int(row[0])
