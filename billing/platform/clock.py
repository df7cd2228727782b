"""The only now(). Entry points read it once and pass the instant on; nothing else looks at a clock."""

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
        """The present instant, which stays until the transaction of `session` ends where the clock is held."""
        ...


class SystemClock:
    """The machine's clock."""

    seconds = staticmethod(time)
    """The present instant in seconds since 1970, for whoever asks at every request."""

    def now(self) -> datetime:
        """The present instant, from the machine."""
        return datetime.now(UTC)

    def now_in(self, session: Session) -> datetime:  # noqa: ARG002 nobody can hold it
        """The same."""
        return self.now()


class HeldTime(SQLModel, table=True):
    """The one row that says what time it is where the clock is held, for every process alike."""

    __tablename__ = "held_time"
    __table_args__ = (sa.CheckConstraint("id = 1", name="only_one"),)

    id: int = Field(primary_key=True)
    now: datetime


class CannotTurnBack(Conflict):
    """A held clock moves forward only; what has been charged and sent can't be undone by turning it back."""

    code = "cannot_turn_back"


HELD_NOW = "SELECT now FROM held_time WHERE id = 1 FOR SHARE"
"""A query for the held instant, which waits while it is being moved."""


class HeldClock:
    """A clock that stands still in the database until `move_to` moves it. Demo and tests only."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def now(self) -> datetime:
        """The held instant; the first look sets it to the machine's present, to the second. Waits while it is being moved."""
        with self._database.transaction() as session:
            return self.now_in(session)

    def now_in(self, session: Session) -> datetime:
        """The same, and it isn't moved until the transaction of `session` ends."""
        held = instant(session, HELD_NOW)
        if held is not None:
            return held
        start = datetime.now(UTC).replace(microsecond=0)
        session.execute(
            sa.text("INSERT INTO held_time (id, now) VALUES (1, :now) ON CONFLICT DO NOTHING"),
            {"now": start},
        )
        return session.get_one(HeldTime, 1).now

    def move_to(self, at: datetime, *, along: Callable[[], None] | None = None) -> None:
        """Let it be `at`, with `along` done in the same moment: nobody is told the time in between.

        Raises CannotTurnBack for an earlier instant."""
        self.now()  # there is one now
        with self._database.transaction() as session:
            held = session.get_one(HeldTime, 1, with_for_update=True)
            before, held.now = held.now, at
            if at < before:
                raise CannotTurnBack
            session.flush()
            heartbeat.shift(session, at - before)
            if along is not None:
                along()
