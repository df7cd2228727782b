"""What an error of the database means: PostgreSQL is away, a lock was held, or a second try may succeed."""

from collections.abc import Iterator

import psycopg
import sqlalchemy as sa
from sqlalchemy.exc import DisconnectionError

from billing.platform.errors import RefusesToStart

LOCK_NOT_AVAILABLE, STATEMENT_CANCELED, DEADLOCK_DETECTED = "55P03", "57014", "40P01"
AWAY = ("08", "57P01", "57P02", "57P03", "53300")
"""SQLSTATEs of a cut connection, of a server that stops, crashed or starts, and of one with too many connections."""
TRANSIENT = (*AWAY, LOCK_NOT_AVAILABLE, "25006", "25P03", "40", "53", "57", "58")
"""Also: a lock time-out, a read-only standby (as an old primary is after a failover), an idle transaction that was ended, a
deadlock or serialization failure, no memory or disk, a cancelled statement, a failing disk.
Source: https://www.postgresql.org/docs/current/errcodes-appendix.html"""


def first_line(error: BaseException) -> str:
    """The database's message without its further lines, which may quote rows."""
    return (str(getattr(error, "orig", error)).strip().splitlines() or [""])[0]


def cannot_be_reached(error: BaseException) -> RefusesToStart:
    """The refusal of a process whose database doesn't answer."""
    return RefusesToStart(f"The database can't be reached ({first_line(error)}). Check BILLING_DATABASE_URL.")


def took_too_long(error: BaseException) -> bool:
    """Whether a statement or a wait for a lock exceeded its time limit."""
    return _sqlstate(error) in (LOCK_NOT_AVAILABLE, STATEMENT_CANCELED)


def was_locked(error: BaseException) -> bool:
    """Whether another transaction held a lock for too long, or in a deadlock."""
    return _sqlstate(error) in (LOCK_NOT_AVAILABLE, DEADLOCK_DETECTED)


def is_away(error: BaseException) -> bool:
    """Whether the database can't be reached: the connection was cut, or the server stops, starts or has no free connection."""
    return any(_says_away(cause) for cause in _with_causes(error))


def is_pool_full(error: BaseException) -> bool:
    """Whether all connections of this process were in use for too long: one leaks, or their holders are stuck."""
    return any(isinstance(cause, sa.exc.TimeoutError) for cause in _with_causes(error))


def is_transient(error: BaseException) -> bool:
    """Whether a second try may succeed: the cause lies in the database's state or the pool, not in the rows."""
    return (
        is_away(error)
        or is_pool_full(error)
        or any((_sqlstate(cause) or "").startswith(TRANSIENT) for cause in _with_causes(error))
    )


def _says_away(error: BaseException) -> bool:
    if isinstance(error, DisconnectionError | psycopg.InterfaceError):
        return True
    if not isinstance(error, psycopg.OperationalError):
        return False
    # without an SQLSTATE it comes from libpq: no server answered
    return error.sqlstate is None or error.sqlstate.startswith(AWAY)


def _with_causes(error: BaseException) -> Iterator[BaseException]:
    seen: list[BaseException] = []  # a chain of causes may lead back to its beginning
    cause: BaseException | None = error
    while cause is not None and cause not in seen:
        seen.append(cause)
        yield cause
        cause = cause.__cause__ or cause.__context__


def _sqlstate(error: BaseException) -> str | None:
    cause = getattr(error, "orig", error)
    return cause.sqlstate if isinstance(cause, psycopg.Error) else None
