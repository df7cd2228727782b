"""Worker heartbeat. A dead worker can't report itself, so other processes check this row."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlmodel import Field, Session, SQLModel

from billing.platform.db import Database, span

EVERY_SECONDS = 30
SILENT_AFTER = timedelta(minutes=5)
"""Without a heartbeat for so long, no worker is running."""
CATCH_UP = timedelta(hours=2)
"""Time that workers have after an outage for what fell due meanwhile, before it counts as late."""


class WorkerHeartbeat(SQLModel, table=True):
    """The one row, written by all workers."""

    __tablename__ = "worker_heartbeat"
    __table_args__ = (sa.CheckConstraint("id = 1", name="only_one"),)

    id: int = Field(primary_key=True)
    at: datetime
    run_at: datetime | None = None
    """When a billing run last finished or made progress; before the first run, the first heartbeat."""
    silent_from: datetime | None = None
    """The last heartbeat before the latest outage of all workers."""
    back_at: datetime | None = None
    """The first heartbeat after it."""
    watched_at: datetime | None = None
    """When `reports.watch` last checked that the other jobs work."""


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """The last heartbeat and whether it is too old. `run_at`: when a billing run last finished or made progress."""

    at: datetime
    silent: bool
    run_at: datetime | None


_WAS_SILENT = f"worker_heartbeat.at < excluded.at - {span(SILENT_AFTER)}"
_BEAT = sa.text(
    f"""INSERT INTO worker_heartbeat (id, at, run_at) VALUES (1, :at, :at) ON CONFLICT (id) DO UPDATE SET at = excluded.at,
        silent_from = CASE WHEN {_WAS_SILENT} THEN worker_heartbeat.at ELSE worker_heartbeat.silent_from END,
        back_at = CASE WHEN {_WAS_SILENT} THEN excluded.at ELSE worker_heartbeat.back_at END"""  # noqa: S608
)


def beat(
    database: Database, now_in: Callable[[Session], datetime], counts: Callable[[Session], bool]
) -> None:
    """Record that a worker is running. `now_in` holds a held clock until the commit, or a leap could put the heartbeat back.

    Nothing is written unless the database `counts`. A copy, and a standby that has just taken over, keep the last heartbeat
    that their original wrote."""
    with database.transaction() as session:
        if counts(session):
            session.execute(_BEAT, {"at": now_in(session)})


def note_run(database: Database, now_in: Callable[[Session], datetime]) -> None:
    """Record that a billing run finished or made progress; twice a minute at most, and only once a worker has run."""
    with database.transaction() as session:
        session.execute(
            sa.text("UPDATE worker_heartbeat SET run_at = :at WHERE run_at < :at - :least"),
            {"at": now_in(session), "least": timedelta(seconds=EVERY_SECONDS)},
        )


def last_heartbeat(session: Session, at: datetime) -> Heartbeat | None:
    """The last heartbeat; None where no worker has ever run."""
    row = session.get(WorkerHeartbeat, 1)
    return None if row is None else Heartbeat(row.at, row.at < at - SILENT_AFTER, row.run_at)


def late(since: str, allowed: timedelta, catch_up: timedelta = CATCH_UP) -> str:
    """An SQL condition: work that fell due at `since` (an expression) is late by more than `allowed` at `:at`.

    After an outage of all workers, work that wasn't late when it began has `catch_up` from their return. Work that was late
    before is late at once. So workers that come and go can't postpone an alarm."""
    return f"""({since} < :at - {span(allowed)} AND NOT EXISTS (
        SELECT FROM worker_heartbeat seen WHERE seen.back_at > :at - {span(catch_up)} AND {since} >= seen.silent_from - {span(allowed)}))"""


def clear(session: Session) -> None:
    """All workers were stopped: the next one counts as the first."""
    session.execute(sa.delete(WorkerHeartbeat))


def shift(session: Session, length: timedelta) -> None:
    """Move the heartbeat along when a held clock leaps by `length`, so that the leap isn't taken for an outage."""
    session.execute(
        sa.text("UPDATE worker_heartbeat SET at = at + :length, run_at = run_at + :length"),
        {"length": length},
    )
