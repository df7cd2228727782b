"""Time limits of the database, by kind of work. A wait for a lock without a limit is a hang that no log shows; with one the
work fails, is logged and is tried again."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from enum import StrEnum


class Work(StrEnum):
    """A kind of work."""

    REQUEST = "request"
    """A person or program waits for the answer."""
    RUN = "run"
    """A step of a billing run, a refund, a mail, an event of the acquirer's."""
    LONG = "long"
    """The doctor, the books, newsletters, an operator's command."""
    MIGRATION = "migration"
    """It may take long, but waits for locks only briefly: all who need the table queue behind it."""
    IN_TURN = "in_turn"
    """Moves of the held clock, which wait for their turn without a limit."""


@dataclass(frozen=True, slots=True)
class TimeLimits:
    """Seconds; 0: no limit."""

    statement: float
    lock: float
    """A statement's wait for the lock of another transaction."""
    idle: float
    """Idle time in an open transaction. Then PostgreSQL ends the connection, which frees its locks."""


TIME_LIMITS: Mapping[Work, TimeLimits] = {
    Work.REQUEST: TimeLimits(statement=30, lock=15, idle=60),
    Work.RUN: TimeLimits(statement=300, lock=20, idle=120),
    Work.LONG: TimeLimits(statement=1800, lock=20, idle=600),
    Work.MIGRATION: TimeLimits(statement=0, lock=3, idle=600),
    Work.IN_TURN: TimeLimits(statement=0, lock=0, idle=0),
}
_doing: ContextVar[Work | None] = ContextVar("work", default=None)


@contextmanager
def doing(work: Work) -> Iterator[None]:
    """Connections that this block takes from the pool have the limits of this kind of work."""
    before = _doing.set(work)
    try:
        yield
    finally:
        _doing.reset(before)


def work_now(otherwise: Work) -> Work:
    """The kind of work of the enclosing `doing`, or else `otherwise`."""
    return _doing.get() or otherwise


def as_sql(limits: TimeLimits) -> str:
    """SQL that sets the limits for a connection."""
    seconds = {
        "statement_timeout": limits.statement,
        "lock_timeout": limits.lock,
        "idle_in_transaction_session_timeout": limits.idle,
    }
    return "; ".join(f"SET {name} = {round(limit * 1000)}" for name, limit in seconds.items())
