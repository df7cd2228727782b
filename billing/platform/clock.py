"""The only now(). Entry points read it once and pass the instant on; nothing else reads a clock."""

from collections.abc import Callable
from datetime import UTC, datetime
from time import time
from typing import Protocol

import sqlalchemy as sa
from sqlmodel import Field, Session, SQLModel

from billing.platform import heartbeat
from billing.platform.db import Database, instant
from billing.platform.errors import Conflict


class Clock(Protocol):
    """Tells the time as an aware instant in UTC."""

    def now(self) -> datetime:
        """The present instant."""
        ...

    def now_in(self, session: Session) -> datetime:
        """The present instant; a held clock keeps it until the transaction of `session` ends."""
        ...


class SystemClock:
    """The machine's clock."""

    seconds = staticmethod(time)
    """Seconds since 1970, for code that runs at every request."""

    def now(self) -> datetime:
        """The present instant, from the machine."""
        return datetime.now(UTC)

    def now_in(self, session: Session) -> datetime:  # noqa: ARG002 nothing can hold the machine's clock
        """The same."""
        return self.now()


def server_time(session: Session) -> datetime:
    """The database server's clock, only to compare it with ours."""
    found: datetime = session.execute(sa.text("SELECT clock_timestamp()")).scalar_one()
    return found


class HeldTime(SQLModel, table=True):
    """The one row with the time of a held clock, for all processes."""

    __tablename__ = "held_time"
    __table_args__ = (sa.CheckConstraint("id = 1", name="only_one"),)

    id: int = Field(primary_key=True)
    now: datetime


class CannotTurnBack(Conflict):
    """A held clock moves forward only; what has been charged and sent can't be undone by turning it back."""

    code = "cannot_turn_back"


HELD_NOW = "SELECT now FROM held_time WHERE id = 1 FOR SHARE"
"""A query for the held instant; it waits while the clock is being moved."""
_HELD_NOW = sa.text(HELD_NOW)


class HeldClock:
    """A clock that stands still in the database until `move_to` moves it. Demo and tests only."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def now(self) -> datetime:
        """The held instant. The first call sets it to the machine's time, to the second. Waits while the clock is being moved."""
        with self._database.autocommit() as connection:
            held: datetime | None = connection.execute(_HELD_NOW).scalar_one_or_none()
        if held is not None:
            return held
        with self._database.transaction() as session:
            return self.now_in(session)

    def now_in(self, session: Session) -> datetime:
        """The same; it can't be moved until the transaction of `session` ends."""
        held = instant(session, HELD_NOW)
        if held is not None:
            return held
        start = datetime.now(UTC).replace(microsecond=0)
        session.execute(
            sa.text("INSERT INTO held_time (id, now) VALUES (1, :now) ON CONFLICT DO NOTHING"), {"now": start}
        )
        return session.get_one(HeldTime, 1).now  # another process may have set it first

    def move_to(self, at: datetime, *, along: Callable[[], None] | None = None) -> None:
        """Move to `at` and run `along` before any process can read the new time.

        Raises CannotTurnBack for an earlier instant."""
        self.now()  # makes the row on first use
        with self._database.transaction() as session:
            held = session.get_one(HeldTime, 1, with_for_update=True)
            before, held.now = held.now, at
            if at < before:
                raise CannotTurnBack
            session.flush()
            heartbeat.shift(session, at - before)
            if along is not None:
                along()
