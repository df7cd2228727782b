"""PostgreSQL: one engine a process, transactions that entry points open, and the columns every table shares."""

import hashlib
import logging
import math
import re
import select
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, TypeVar

import psycopg
import sqlalchemy as sa
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.pool import ConnectionPoolEntry
from sqlmodel import Session

from billing.platform.actors import Actor
from billing.platform.context import TransactionContext
from billing.platform.errors import RefusesToStart
from billing.platform.monotonic import Monotonic, SystemMonotonic
from billing.platform.site import Site
from billing.platform.stop_points import COMMITS, COMMITTED, stop_point, transaction_of
from billing.platform.time_limits import TIME_LIMITS, TimeLimits, Work, as_sql, work_now

SAID = "said"
"""Where a session keeps what is to be logged when it is committed (see `logs.say`)."""
HELD = "held"
"""Where a session keeps what it is to have at hand (see `hold`)."""
IDLE_SECONDS = 5
"""After so long without use a connection is asked whether it lives."""
DEEPEST = 100
"""Levels in JSON that we keep."""
KEEPALIVE: dict[str, Any] = {
    "connect_timeout": 10,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 60_000,
}
"""A server that is gone without a word (power, a firewall) is noticed after a minute; by default after two hours."""
LOCK_NOT_AVAILABLE, STATEMENT_CANCELED, DEADLOCK_DETECTED = "55P03", "57014", "40P01"
AWAY = ("08", "57P01", "57P02", "57P03", "53300")
"""States of a connection that was cut, a server that stops, crashed or starts, and one that has too many connections."""
TRANSIENT = (*AWAY, LOCK_NOT_AVAILABLE, "25006", "25P03", "40", "53", "57", "58")
"""Besides: a lock that was waited for in vain, a standby that only reads (as an old primary does after a failover), a transaction
that idled, a deadlock or a clash of two transactions, no memory or disk, a cancelled statement, a failing disk.
Source: https://www.postgresql.org/docs/current/errcodes-appendix.html"""
Row = TypeVar("Row")
UNSTORABLE = re.compile(r"[\x00\ud800-\udfff]")
"""Letters that PostgreSQL doesn't keep."""
log = logging.getLogger("billing.events")


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
        """`pool_seconds` is how long a transaction waits for a connection while all are in use. `monotonic` tells how long a
        connection has been idle; the machine's, unless another is given. `work` is what this process does where it says nothing
        else."""
        self.url = _with_driver(url)
        self._monotonic = monotonic or SystemMonotonic()
        self._seconds = self._monotonic.seconds
        self._work, self._limits = work, limits
        asked = KEEPALIVE | {"fallback_application_name": f"masthead {work}"}
        self.engine = sa.create_engine(
            self.url,
            pool_size=pool_size,
            max_overflow=pool_size * 2,
            pool_timeout=pool_seconds,
            hide_parameters=True,  # an error in the log names the statement, not whose address was in it
            connect_args={name: value for name, value in asked.items() if name not in self.url.query},
        )
        sa.event.listen(self.engine, "checkin", self._note_use)
        sa.event.listen(self.engine, "checkout", self._make_ready)

    def transaction(self) -> AbstractContextManager[Session]:
        """A session whose work is committed when the block ends, and undone when it raises.

        Answer a request only after the block: an answer sent before its commit can be a lie."""
        return self._transaction(transaction_of(1))

    def begin(self, site: Site, at: datetime, actor: Actor) -> AbstractContextManager[TransactionContext]:
        """A transaction with all that its functions work with; as `transaction`."""
        return self._begin(site, at, actor, transaction_of(1))

    @contextmanager
    def _begin(
        self, site: Site, at: datetime, actor: Actor, name: str | None
    ) -> Iterator[TransactionContext]:
        with self._transaction(name) as session:
            yield TransactionContext(session, site, at, actor)

    @contextmanager
    def _transaction(self, name: str | None) -> Iterator[Session]:
        """`name`, which its stop points bear, is taken from the caller's frame before this generator runs."""
        with Session(self.engine, expire_on_commit=False) as session:
            with session.begin():
                yield session
                if name is not None:
                    stop_point(f"{name} {COMMITS}")
            if name is not None:
                stop_point(f"{name} {COMMITTED}")
            for line in session.info.pop(SAID, ()):
                log.info(line)

    @property
    def address(self) -> str:
        """Where it is, as libpq reads it; with the password."""
        return self.url.set(drivername="postgresql").render_as_string(hide_password=False)

    def apart(self, *, pool_size: int) -> "Database":
        """The same database through connections of their own, for what must not wait for those of this pool."""
        return Database(
            self.address,
            pool_size=pool_size,
            monotonic=self._monotonic,
            work=self._work,
            limits=self._limits,
        )

    def close(self) -> None:
        """Give every connection back."""
        self.engine.dispose()

    def _note_use(self, _: Any, entry: ConnectionPoolEntry) -> None:
        entry.info["used"] = self._seconds()

    def _make_ready(self, connection: psycopg.Connection, entry: ConnectionPoolEntry, _: Any) -> None:
        try:
            self._ask_whether_it_lives(connection, entry)
            self._limit(connection, entry)
        except psycopg.Error as gone:
            raise DisconnectionError from gone

    def _ask_whether_it_lives(self, connection: psycopg.Connection, entry: ConnectionPoolEntry) -> None:
        """A connection that has been idle, or to which something came unasked (a server that stops says goodbye), is asked;
        asking each time would cost every transaction a turn."""
        now = self._seconds()
        if now - entry.info.get("used", now) > IDLE_SECONDS or _has_heard(connection):
            connection.execute("SELECT 1")
            connection.rollback()

    def _limit(self, connection: psycopg.Connection, entry: ConnectionPoolEntry) -> None:
        """Set the time limits of the work that is done now. A connection keeps them, so mostly there is nothing to do. They are
        not asked for when it is opened, where a pooling proxy would refuse them with words that explain nothing."""
        work = work_now(self._work)
        if entry.info.get("work") is work:
            return
        connection.autocommit = True
        connection.execute(as_sql(self._limits[work]).encode())
        connection.autocommit = False
        entry.info["work"] = work


def first_line(error: BaseException) -> str:
    """What the database said, without what follows, which may name rows."""
    return (str(getattr(error, "orig", error)).strip().splitlines() or [""])[0]


def took_too_long(error: BaseException) -> bool:
    """Whether the database gave up because something was locked, or slow, for longer than the time limits allow."""
    return _sqlstate(error) in (LOCK_NOT_AVAILABLE, STATEMENT_CANCELED)


def was_locked(error: BaseException) -> bool:
    """Whether the database gave up because somebody else holds what was needed."""
    return _sqlstate(error) in (LOCK_NOT_AVAILABLE, DEADLOCK_DETECTED)


def is_away(error: BaseException) -> bool:
    """Whether the database can't be reached: the connection was cut, the server stops or starts, or has no place for us."""
    return any(_says_away(one) for one in _with_causes(error))


def is_pool_full(error: BaseException) -> bool:
    """Whether all connections of this process were in use for too long: one leaks, or their holders wait for something else."""
    return any(isinstance(one, sa.exc.TimeoutError) for one in _with_causes(error))


def is_transient(error: BaseException) -> bool:
    """Whether the same may go well the next time: the database is away, all connections were in use, or it gave up for what has
    nothing to do with the rows."""
    known = is_away(error) or is_pool_full(error)
    return known or any((_sqlstate(one) or "").startswith(TRANSIENT) for one in _with_causes(error))


def _says_away(error: BaseException) -> bool:
    if isinstance(error, DisconnectionError | psycopg.InterfaceError):
        return True
    if not isinstance(error, psycopg.OperationalError):
        return False
    return error.sqlstate is None or error.sqlstate.startswith(AWAY)


def _with_causes(error: BaseException) -> Iterator[BaseException]:
    seen: list[BaseException] = []
    left: BaseException | None = error
    while left is not None and left not in seen:
        seen.append(left)
        yield left
        left = left.__cause__ or left.__context__


def _sqlstate(error: BaseException) -> str | None:
    cause = getattr(error, "orig", error)
    return cause.sqlstate if isinstance(cause, psycopg.Error) else None


def lock_row(session: Session, table: type[Row], key: str | int) -> Row | None:
    """Lock a row until the transaction ends, and read it again: a copy that the session has may be older than the lock."""
    return session.get(table, key, with_for_update=True, populate_existing=True)


def lock_one(session: Session, table: type[Row], key: str | int) -> Row:
    """The same for a row that exists."""
    return session.get_one(table, key, with_for_update=True, populate_existing=True)


def hold(session: Session) -> None:
    """Let all that the session reads or adds stay at hand to its end: whoever asks for it again asks the database nothing."""
    if HELD in session.info:
        return
    held: list[object] = []
    session.info[HELD] = held
    for happening in ("loaded_as_persistent", "pending_to_persistent"):
        sa.event.listen(session, happening, lambda _, one: held.append(one))


def _with_driver(url: str) -> URL:
    try:
        parsed = make_url(url)
    except sa.exc.ArgumentError:
        raise RefusesToStart(
            "BILLING_DATABASE_URL is not an address like postgresql://name@host/database."
        ) from None
    if parsed.get_backend_name() != "postgresql":
        raise RefusesToStart("BILLING_DATABASE_URL must name a PostgreSQL database (postgresql://…).")
    return parsed.set(drivername="postgresql+psycopg")


def enum_column(
    values: type[StrEnum], *, nullable: bool = False, server_default: StrEnum | None = None
) -> sa.Column[Any]:
    """A text column holding the values of an enum, guarded by a CHECK (a native type can't be altered in a transaction)."""
    kind = sa.Enum(
        values,
        native_enum=False,
        create_constraint=True,
        length=32,
        name=values.__name__.lower(),
        values_callable=lambda members: [member.value for member in members],
    )
    return sa.Column(kind, nullable=nullable, server_default=server_default)


def _has_heard(connection: psycopg.Connection) -> bool:
    ears = select.poll()
    ears.register(connection, select.POLLIN)
    return bool(ears.poll(0))


def instant(session: Session, query: str, **bound: Any) -> datetime | None:
    """The one instant that a query asks for, or None. `bound` are its parameters."""
    found: datetime | None = session.connection().execute(sa.text(query), bound).scalar_one_or_none()
    return found


def span(length: timedelta) -> str:
    """A span of time as SQL writes it, in hours and less: a day of the calendar has 24 here."""
    return f"interval '{length.total_seconds()} seconds'"


def storable(value: Any) -> bool:
    """Whether PostgreSQL can keep this value as text or JSON: no NUL in it, no half character (a lone surrogate), no number
    beyond all numbers, which is how Python reads 1e400, and no deeper than anything honest is."""
    left = [(value, 0)]
    while left:
        one, depth = left.pop()
        if isinstance(one, str):
            if UNSTORABLE.search(one):
                return False
        elif isinstance(one, float):
            if not math.isfinite(one):
                return False
        elif isinstance(one, (dict, list, tuple)):
            if depth == DEEPEST:
                return False
            inside = [*one, *one.values()] if isinstance(one, dict) else one
            left += [(each, depth + 1) for each in inside]
    return True


def lock_names(session: Session, *names: str) -> None:
    """Let nobody else hold these names until the transaction ends; whoever holds one is waited for. They are taken in one order,
    so that two who want several never wait for each other."""
    session.execute(_HOLD_NAMES, {"keys": sorted(advisory_key(name) for name in names)})


_HOLD_NAMES = sa.text("SELECT pg_advisory_xact_lock(key) FROM unnest(CAST(:keys AS bigint[])) AS key")


def advisory_key(name: str) -> int:
    """A stable 63-bit number for a named advisory lock."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big") >> 1
