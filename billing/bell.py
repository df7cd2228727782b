"""When a worker last rang the bell. No tick is an alarm like any other, and whoever sleeps can't give it: others look."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlmodel import Field, Session, SQLModel

from billing.db import Database

EVERY_SECONDS = 30
SILENT_AFTER = timedelta(minutes=5)
"""Without a bell for so long, no worker is there."""


class TickSeen(SQLModel, table=True):
    """The one row that says when; all workers write it."""

    __tablename__ = "tick_seen"
    __table_args__ = (sa.CheckConstraint("id = 1", name="only_one"),)

    id: int = Field(primary_key=True)
    at: datetime


@dataclass(frozen=True, slots=True)
class Heard:
    """The bell was heard last at `at`; `silent`: too long ago."""

    at: datetime
    silent: bool


def ring(database: Database, now_in: Callable[[Session], datetime]) -> None:
    """A worker is there. `now_in` stays a held clock for as long, or it would leap and the bell be put back."""
    with database.transaction() as session:
        session.execute(
            sa.text(
                "INSERT INTO tick_seen (id, at) VALUES (1, :at) ON CONFLICT (id) DO UPDATE SET at = excluded.at"
            ),
            {"at": now_in(session)},
        )


def heard(session: Session, at: datetime) -> Heard | None:
    """When it was heard last; None where no worker has ever been."""
    row = session.get(TickSeen, 1)
    return None if row is None else Heard(row.at, row.at < at - SILENT_AFTER)


def silence(session: Session) -> None:
    """Nobody is there: all workers were stopped, and the next is heard when it rings for the first time."""
    session.execute(sa.delete(TickSeen))


def take_along(session: Session, span: timedelta) -> None:
    """A held clock leaps by `span`: nobody is missed for that."""
    session.execute(sa.text("UPDATE tick_seen SET at = at + :span"), {"span": span})
