"""When a worker last rang the bell. No tick is an alarm like any other, and whoever sleeps can't give it: others look."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlmodel import Field, Session, SQLModel

from billing.platform.db import Database, span

EVERY_SECONDS = 30
SILENT_AFTER = timedelta(minutes=5)
"""Without a bell for so long, no worker is there."""
CATCH_UP = timedelta(hours=2)
"""What workers have after an outage for what fell due meanwhile, before it counts as late."""


class WorkerHeartbeat(SQLModel, table=True):
    """The one row that says when; all workers write it."""

    __tablename__ = "worker_heartbeat"
    __table_args__ = (sa.CheckConstraint("id = 1", name="only_one"),)

    id: int = Field(primary_key=True)
    at: datetime
    run_at: datetime | None = None
    """When a billing run last finished, or got on; at first, when the first worker came that writes it."""
    silent_from: datetime | None = None
    """The last heartbeat before the latest outage of all workers."""
    back_at: datetime | None = None
    """The first heartbeat after it."""
    watched_at: datetime | None = None
    """When somebody last looked whether the others work (see `reports.watch`)."""


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """The bell was heard last at `at`; `silent`: too long ago. `run_at`: when a billing run last finished, or got on."""

    at: datetime
    silent: bool
    run_at: datetime | None


_RING = sa.text(
    f"""INSERT INTO worker_heartbeat (id, at, run_at) VALUES (1, :at, :at) ON CONFLICT (id) DO UPDATE SET at = excluded.at,
        run_at = coalesce(worker_heartbeat.run_at, excluded.at),
        silent_from = CASE WHEN worker_heartbeat.at < excluded.at - {span(SILENT_AFTER)} THEN worker_heartbeat.at ELSE worker_heartbeat.silent_from END,
        back_at = CASE WHEN worker_heartbeat.at < excluded.at - {span(SILENT_AFTER)} THEN excluded.at ELSE worker_heartbeat.back_at END"""  # noqa: S608
)


def beat(
    database: Database, now_in: Callable[[Session], datetime], counts: Callable[[Session], bool]
) -> None:
    """A worker is there. `now_in` stays a held clock for as long, or it would leap and the bell be put back. Nothing is written
    unless the database `counts`: in a copy, and in a standby that has just taken over, it stays known when its worker was last
    heard."""
    with database.transaction() as session:
        if counts(session):
            session.execute(_RING, {"at": now_in(session)})


def note_run(database: Database, now_in: Callable[[Session], datetime]) -> None:
    """A billing run has finished, or got on. Written down twice a minute at most, where a worker has ever been."""
    with database.transaction() as session:
        session.execute(
            sa.text("UPDATE worker_heartbeat SET run_at = :at WHERE run_at < :at - :least"),
            {"at": now_in(session), "least": timedelta(seconds=EVERY_SECONDS)},
        )


def last_heartbeat(session: Session, at: datetime) -> Heartbeat | None:
    """When it was heard last; None where no worker has ever been."""
    row = session.get(WorkerHeartbeat, 1)
    return None if row is None else Heartbeat(row.at, row.at < at - SILENT_AFTER, row.run_at)


def late(since: str, allowed: timedelta, catch_up: timedelta = CATCH_UP) -> str:
    """A condition in SQL: what should have been done at `since` (an expression) is late by more than `allowed` at `:at`.

    After an outage of all workers, what wasn't late when it began has `catch_up` from when they are back. What was late before
    counts at once, so workers that come and go can't put an alarm off: each return forgives only what fell due lately."""
    return f"""({since} < :at - {span(allowed)} AND NOT EXISTS (
        SELECT FROM worker_heartbeat seen WHERE seen.back_at > :at - {span(catch_up)} AND {since} >= seen.silent_from - {span(allowed)}))"""


def clear(session: Session) -> None:
    """Nobody is there: all workers were stopped, and the next is heard when it rings for the first time."""
    session.execute(sa.delete(WorkerHeartbeat))


def shift(session: Session, length: timedelta) -> None:
    """A held clock leaps by `length`: nobody is missed for that."""
    session.execute(
        sa.text("UPDATE worker_heartbeat SET at = at + :length, run_at = run_at + :length"),
        {"length": length},
    )
