"""A standby that answers reports (BILLING_REPORTS_DATABASE_URL). It may be seconds behind; where it is away, another database's or
too far behind, the primary answers."""

import logging
from dataclasses import dataclass
from datetime import timedelta

import sqlalchemy as sa

from billing.platform.db import Database
from billing.platform.db_errors import first_line
from billing.platform.heartbeat import EVERY_SECONDS

log = logging.getLogger(__name__)
MOST_BEHIND = timedelta(minutes=2)
"""A standby that may lack more than that answers no report."""
_BEAT = "(SELECT at FROM worker_heartbeat)"
_WRITTEN = sa.text(
    f"SELECT pg_current_wal_lsn()::text, pg_postmaster_start_time(), home, {_BEAT} FROM installation"  # noqa: S608
)
# After a failover both addresses may lead to one server, which replays nothing. That it isn't in recovery doesn't tell it from a
# standby that was promoted while its primary goes on; that it is the server to which the primary's address led does.
_HAS_ALL = "pg_postmaster_start_time() = :started OR pg_last_wal_replay_lsn() >= CAST(:written AS pg_lsn)"
_REPLAYED = sa.text(f"SELECT {_HAS_ALL}, home, {_BEAT} FROM installation")  # noqa: S608


@dataclass(frozen=True, slots=True)
class Standby:
    """What a look at the standby found. `fault`: why it answers no report; None where it does."""

    fault: str | None
    words: str


@dataclass(frozen=True, slots=True)
class ReportsSource:
    """The database that a report is read from, and a line about how old its data is; empty for the primary without a standby."""

    database: Database
    words: str


def look_at(standby: Database, primary: Database) -> Standby:
    """Whether the standby can answer reports. Raises sqlalchemy's errors where the primary is away.

    It is as far behind as its last worker heartbeat, which tells the time by the workers' clock."""
    # the primary first: a standby that has replayed up to there has all that was committed before
    with primary.transaction() as session:
        written, started, home, beat = session.connection().execute(_WRITTEN).one()
    try:
        with standby.transaction() as session:
            given = {"written": written, "started": started}
            has_all, its_home, its_beat = session.connection().execute(_REPLAYED, given).one()
    except sa.exc.DBAPIError as error:
        return _unfit(f"doesn't answer ({first_line(error)})")
    if its_home != home:
        return _unfit("is no standby of this database")
    if has_all:
        return Standby(None, "the standby for reports has everything")
    if its_beat is None:
        return _unfit("may lack anything, as no worker has run")
    behind = beat - its_beat + timedelta(seconds=EVERY_SECONDS)  # the primary's own may be so old
    words = f"may lack the last {behind.total_seconds():.0f} s"
    return _unfit(words) if behind > MOST_BEHIND else Standby(None, f"the standby for reports {words}")


def _unfit(fault: str) -> Standby:
    return Standby(fault, f"the standby for reports {fault}")


def source(standby: Database | None, primary: Database) -> ReportsSource:
    """Where to read a report that may be some seconds old."""
    if standby is None:
        return ReportsSource(primary, "")
    found = look_at(standby, primary)
    if found.fault is None:
        return ReportsSource(standby, f"Read from a standby: {found.words}.")
    log.warning("a report is read from the primary: %s", found.words)
    return ReportsSource(primary, f"Read from the primary: {found.words}.")
