"""How long the database lets a piece of work hold things up, by the kind of work. What waits for a lock without end is a hang
that no log tells of: with a limit it fails, is logged, and is tried again."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from enum import StrEnum


class Work(StrEnum):
    """A kind of work."""

    REQUEST = "request"
    """Somebody waits for the answer."""
    RUN = "run"
    """A step of a billing run, a refund, a mail, an event of the acquirer's."""
    LONG = "long"
    """The doctor, the books, newsletters, an operator's command."""
    MIGRATION = "migration"
    """It may take long, and waits for no lock for long: all who need the table queue behind it."""
    IN_TURN = "in_turn"
    """It waits for its turn, however long that takes: moves of the held clock."""


@dataclass(frozen=True, slots=True)
class TimeLimits:
    """Seconds; 0: no limit."""

    statement: float
    lock: float
    """For which a statement waits for the lock of another transaction."""
    idle: float
    """For which an open transaction may do nothing. Then PostgreSQL ends its connection, and its locks are free."""


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
    """Give every connection that is taken from the pool in this block the limits of this kind of work."""
    before = _doing.set(work)
    try:
        yield
    finally:
        _doing.reset(before)


def work_now(otherwise: Work) -> Work:
    """The kind of work that is being done here."""
    return _doing.get() or otherwise


def as_sql(limits: TimeLimits) -> str:
    """The statements that set the limits for the rest of a connection's life."""
    named = {
        "statement_timeout": limits.statement,
        "lock_timeout": limits.lock,
        "idle_in_transaction_session_timeout": limits.idle,
    }
    return "; ".join(f"SET {name} = {round(seconds * 1000)}" for name, seconds in named.items())
