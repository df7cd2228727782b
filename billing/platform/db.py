"""PostgreSQL: one engine a process, transactions that entry points open, locks, and column types that tables share."""

import hashlib
import logging
import select
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any, TypeVar

import psycopg
import sqlalchemy as sa
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.orm import ORMExecuteState
from sqlalchemy.pool import ConnectionPoolEntry
from sqlmodel import Session

from billing.platform.actors import Actor
from billing.platform.context import TransactionContext
from billing.platform.database_address import as_libpq, connection_parameters
from billing.platform.enum_types import enum_type
from billing.platform.monotonic import Monotonic, SystemMonotonic
from billing.platform.site import Site
from billing.platform.stop_points import COMMITS, COMMITTED, stop_point, transaction_of
from billing.platform.time_limits import TIME_LIMITS, TimeLimits, Work, as_sql, work_now

LOG_LINES = "log_lines"
"""Key in `session.info`: lines to log after the commit, each with its parts for the form as JSON (see `logs.log_event`)."""
PARTS = "parts"
"""Attribute of the record of such a line: its parts."""
COUNTED = "counted"
"""Key in `session.info`: what to count after the commit (see `counters.count_after_commit`)."""
KEPT = "kept"
"""Key in `session.info`: the objects that `keep_loaded` keeps."""
IDLE_SECONDS = 5
"""A connection that was idle for longer is tested before its next use."""
Row = TypeVar("Row")
Given = TypeVar("Given")
log = logging.getLogger("billing.events")


class NeedsTransaction(Exception):
    """A block that said it only reads changed something, locked a row, or set what ends with a transaction. A defect of ours."""


class ReadingSession(Session):
    """A session without a transaction: it refuses what would be kept, or let go, at the end of one."""

    def flush(self, objects: Sequence[Any] | None = None) -> None:  # noqa: ARG002 - the base class has it
        """Write nothing. Raises NeedsTransaction where the ORM holds changes."""
        if self.new or self.dirty or self.deleted:
            raise NeedsTransaction("a change")


class Database:
    """The engine and its transactions. Domain code never commits; `transaction` does, once, at its end."""

    def __init__(
        self,
        url: str,
        *,
        pool_size: int = 10,
        pool_seconds: float = 15,
        monotonic: Monotonic | None = None,
        work: Work = Work.LONG,
        limits: Mapping[Work, TimeLimits] = TIME_LIMITS,
    ) -> None:
        """`pool_seconds`: how long a transaction waits for a free connection. `monotonic` measures how long a connection was idle.
        `work` decides the time limits outside of `time_limits.doing`. Raises RefusesToStart for a malformed address."""
        self.address = as_libpq(url)
        """The address as libpq reads it, with the password."""
        self._monotonic = monotonic or SystemMonotonic()
        self._seconds = self._monotonic.seconds
        self._work, self._limits = work, limits
        self.most_connections = pool_size * 3
        self.engine = sa.create_engine(
            "postgresql+psycopg://",  # without host: SQLAlchemy's own parser doesn't know several
            pool_size=pool_size,
            max_overflow=self.most_connections - pool_size,
            pool_timeout=pool_seconds,
            pool_use_lifo=True,  # the connection that was used last knows most plans; those beyond the need stay idle
            hide_parameters=True,  # parameters may be readers' addresses, and errors are logged
            connect_args=connection_parameters(self.address, f"masthead {work}"),
        )
        sa.event.listen(self.engine, "checkin", self._note_use)
        sa.event.listen(self.engine, "checkout", self._make_ready)
        self._autocommits = self.engine.execution_options(isolation_level="AUTOCOMMIT")  # from the same pool

    def autocommit(self) -> sa.Connection:
        """A connection of its own, outside of any transaction: where session-level advisory locks live, which outlast the
        transactions beside it and end with the process."""
        return self._autocommits.connect()

    def transaction(self) -> AbstractContextManager[Session]:
        """A session whose work is committed when the block ends, and undone when it raises.

        Answer a request only after the block: an answer sent before its commit can be a lie."""
        return self._transaction(lambda session: session, transaction_of(1))

    def begin(self, site: Site, at: datetime, actor: Actor) -> AbstractContextManager[TransactionContext]:
        """A transaction as a context for the functions called in it; as `transaction`."""
        return self._transaction(
            lambda session: TransactionContext(session, site, at, actor), transaction_of(1)
        )

    @contextmanager
    def read(self, site: Site, at: datetime, actor: Actor) -> Iterator[TransactionContext]:
        """A context for a block that changes nothing and locks nothing.

        Each statement is a transaction of its own, which saves the round trips of BEGIN and COMMIT. It sees no less than in a
        transaction, where READ COMMITTED shows each statement the present too. Raises NeedsTransaction."""
        with ReadingSession(self._autocommits, expire_on_commit=False) as session:
            yield TransactionContext(session, site, at, actor)
            session.flush()  # refuses a change that no query has flushed yet
            _report(session)

    @contextmanager
    def _transaction(self, given: Callable[[Session], Given], name: str | None) -> Iterator[Given]:
        """Gives the block what `given` makes of the session. `name` is for the stop points. Callers read it from their frame, because
        a generator runs only when it is entered."""
        # callers go on with its rows after the commit
        with Session(self.engine, expire_on_commit=False) as session:
            with session.begin():
                yield given(session)
                if name is not None:
                    stop_point(f"{name} {COMMITS}")
            if name is not None:
                stop_point(f"{name} {COMMITTED}")
            _report(session)

    @property
    def connections_in_use(self) -> int:
        """How many connections of the pool are taken at this moment."""
        pool = self.engine.pool
        return pool.checkedout() if isinstance(pool, sa.QueuePool) else 0

    def apart(self, *, pool_size: int) -> "Database":
        """The same database with a pool of its own, for work that must not wait for connections of this pool."""
        return Database(
            self.address, pool_size=pool_size, monotonic=self._monotonic, work=self._work, limits=self._limits
        )

    def close(self) -> None:
        """Close all idle connections."""
        self.engine.dispose()

    def _note_use(self, _: Any, entry: ConnectionPoolEntry) -> None:
        entry.info["used"] = self._seconds()

    def _make_ready(self, connection: psycopg.Connection, entry: ConnectionPoolEntry, _: Any) -> None:
        try:
            self._test(connection, entry)
            self._set_limits(connection, entry)
        except psycopg.Error as gone:
            # the pool answers this error with a fresh connection
            raise DisconnectionError from gone

    def _test(self, connection: psycopg.Connection, entry: ConnectionPoolEntry) -> None:
        """Only after idling, or when unread bytes wait (a stopping server says goodbye): each time would cost a round trip."""
        now = self._seconds()
        if now - entry.info.get("used", now) > IDLE_SECONDS or _has_unread(connection):
            connection.execute("SELECT 1")
            connection.rollback()  # psycopg began a transaction, in which autocommit can't be set

    def _set_limits(self, connection: psycopg.Connection, entry: ConnectionPoolEntry) -> None:
        """A connection keeps its limits, so mostly there is nothing to do. They aren't start-up options, because a pooling proxy
        refuses unknown options with a message that explains nothing."""
        work = work_now(self._work)
        if entry.info.get("work") is work:
            return
        # outside of a transaction: its rollback would take the limits back, and `info` would still name them
        connection.autocommit = True
        connection.execute(as_sql(self._limits[work]).encode())
        connection.autocommit = False
        entry.info["work"] = work


def _report(session: Session) -> None:
    for line, parts in session.info.pop(LOG_LINES, ()):
        log.info(line, extra={PARTS: parts})
    for counter, values in session.info.pop(COUNTED, ()):
        counter.add(*values)


def _has_unread(connection: psycopg.Connection) -> bool:
    poll = select.poll()
    poll.register(connection, select.POLLIN)
    return bool(poll.poll(0))


def lock_row(session: Session, table: type[Row], key: str | int | date) -> Row | None:
    """Lock a row until the transaction ends, and read it again: the session's copy may be older than the lock."""
    return session.get(table, key, with_for_update=True, populate_existing=True)


def lock_one(session: Session, table: type[Row], key: str | int) -> Row:
    """As `lock_row`, for a row that exists."""
    return session.get_one(table, key, with_for_update=True, populate_existing=True)


def lock_names(session: Session, *names: str) -> None:
    """Lock these names until the transaction ends, waiting for other holders. Sorted, so that two callers can't deadlock."""
    session.execute(_LOCK_NAMES, {"keys": sorted(advisory_key(name) for name in names)})


_LOCK_NAMES = sa.text("SELECT pg_advisory_xact_lock(key) FROM unnest(CAST(:keys AS bigint[])) AS key")


@sa.event.listens_for(ReadingSession, "do_orm_execute")
def _refuse_locks_and_settings(running: ORMExecuteState) -> None:
    statement = running.statement
    if statement is _LOCK_NAMES or getattr(statement, "_for_update_arg", None) is not None:
        raise NeedsTransaction("a lock")
    if isinstance(statement, sa.TextClause) and statement.text.startswith("SET LOCAL"):
        raise NeedsTransaction("a setting")  # PostgreSQL would only warn, and go on without it


def advisory_key(name: str) -> int:
    """A stable 63-bit number for a named advisory lock."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big") >> 1


def keep_loaded(session: Session) -> None:
    """Hold strong references to everything the session loads, so that `session.get` hits the identity map."""
    if KEPT in session.info:
        return
    kept: list[object] = []
    session.info[KEPT] = kept
    for event in ("loaded_as_persistent", "pending_to_persistent"):
        sa.event.listen(session, event, lambda _, row: kept.append(row))


def enum_column(
    values: type[StrEnum], *, nullable: bool = False, server_default: StrEnum | None = None
) -> sa.Column[Any]:
    """A text column for the values of an enum, with a CHECK named after it."""
    kind = enum_type(values, values.__name__.lower())
    return sa.Column(kind, nullable=nullable, server_default=server_default)


def instant(session: Session, query: str, **parameters: Any) -> datetime | None:
    """The one instant that a query returns, or None."""
    found: datetime | None = session.connection().execute(sa.text(query), parameters).scalar_one_or_none()
    return found


def span(length: timedelta) -> str:
    """An SQL interval in seconds: a day has 24 hours here, whatever the calendar says."""
    return f"interval '{length.total_seconds()} seconds'"
