"""Tables in monthly partitions. A month's rows leave together, by a DROP that takes milliseconds and leaves nothing to vacuum.

A default partition takes what belongs to no month's partition: so a worker that was away, or a clock that leaps, stops no insert."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import LiteralString

import sqlalchemy as sa
from sqlmodel import Session

from billing.platform.claims import only_one
from billing.platform.db import Database, span
from billing.platform.db_errors import was_locked
from billing.rules.periods import add_months

TURN = "partitions"
LOCK = "SET LOCAL lock_timeout = '300ms'"
"""All who need the table queue behind us, so we wait briefly, and try again at the next tick."""
BY_INDEX = "SET LOCAL enable_seqscan = off"
"""Few rows are needed of many, and all who need the table wait while they are looked for."""
_SUFFIX = "_[0-9]{4}_[0-9]{2}"
_PARTITION = re.compile(f"{_SUFFIX}$|_default$")


@dataclass(frozen=True, slots=True)
class MonthlyTable:
    """A table with a partition for each month of `column`, in UTC, which is dropped `keep` after its first day; a day has 24 hours.

    Rows in the SQL condition `needed` outlive their month, in the default partition."""

    name: str
    column: str
    keep: timedelta
    needed: LiteralString = "false"

    @property
    def default(self) -> str:
        """The default partition. What is left in it is deleted row by row, by its own rule."""
        return f"{self.name}_default"

    def partition(self, month: date) -> str:
        """The partition of the month that begins on this day."""
        return f"{self.name}_{month:%Y_%m}"


METER = MonthlyTable("meter_month", "month", timedelta(days=40))  # PW-13
# The constraint `kept_once` may include `created_at`: an event keeps it, however often the acquirer sends it (for 30 days at most).
EVENTS = MonthlyTable("inbound_event", "created_at", timedelta(days=90), "settled_at IS NULL")
# The rows of uncounted issues (see `newsletters.count_past`). An array, so that an index finds them in a month of millions.
DELIVERIES = MonthlyTable(
    "delivery",
    "started_at",
    timedelta(days=90),
    "issue_id = ANY (ARRAY(SELECT id FROM issue WHERE counts IS NULL AND started_at IS NOT NULL))",
)
MONTHLY = (METER, EVENTS, DELIVERIES)


def is_partition(name: str) -> bool:
    """Whether a table of this name is a partition, which no model describes."""
    return any(name.startswith(table.name) and _PARTITION.search(name) for table in MONTHLY)


def keep_up(database: Database, at: datetime) -> int:
    """Make the partitions of this month and the next, and drop those past their time. Returns how many.

    A table in use is left for the next tick."""
    with only_one(database, TURN) as ours:
        return sum(_make(database, table, at) + _drop(database, table, at) for table in MONTHLY if ours)


def _make(database: Database, table: MonthlyTable, at: datetime) -> int:
    this = at.astimezone(UTC).date().replace(day=1)
    months = {month: add_months(month, 1) for month in (this, add_months(this, 1))}
    with database.transaction() as session:
        present = _partitions(session, table)
        missing = [
            (month, end)
            for month, end in months.items()
            if month not in present and not _is_in_default(session, table, month, end)
        ]
    return sum(_run(database, [_create(table, month, end)]) for month, end in missing)


def _create(table: MonthlyTable, month: date, end: date) -> str:
    return (
        f"CREATE TABLE {table.partition(month)} PARTITION OF {table.name}"
        f" FOR VALUES FROM ('{month} 00:00+00') TO ('{end} 00:00+00')"
    )


def _drop(database: Database, table: MonthlyTable, at: datetime) -> int:
    with database.transaction() as session:
        past = [month for month in _partitions(session, table) if _instant(month) + table.keep <= at]
    done = 0
    for name in map(table.partition, past):
        done += _run(
            database,
            [
                f"ALTER TABLE {table.name} DETACH PARTITION {name}",
                BY_INDEX,
                # without its partition, a row finds the default one
                f"INSERT INTO {table.name} OVERRIDING SYSTEM VALUE SELECT * FROM {name} WHERE {table.needed}",  # noqa: S608 - names of our own
                f"DROP TABLE {name}",
            ],
        )
    return done


def _run(database: Database, statements: list[str]) -> bool:
    """Whether it was done: not where somebody held a lock for too long."""
    try:
        with database.transaction() as session:
            for statement in (LOCK, *statements):
                session.connection().exec_driver_sql(statement)
    except sa.exc.OperationalError as error:
        if not was_locked(error):
            raise
        return False
    return True


def _is_in_default(session: Session, table: MonthlyTable, month: date, end: date) -> bool:
    """Whether the default partition has rows of the month, which then stay there: no partition can be made for it."""
    query = f"SELECT 1 FROM {table.default} WHERE {table.column} >= :month AND {table.column} < :end LIMIT 1"  # noqa: S608
    bounds = {"month": _instant(month), "end": _instant(end)}
    return session.connection().execute(sa.text(query), bounds).first() is not None


def _partitions(session: Session, table: MonthlyTable) -> list[date]:
    """The months that have a partition."""
    found = session.connection().execute(sa.text(_MONTHS), {"name": table.name})
    return list(found.scalars())


def _instant(month: date) -> datetime:
    return datetime(month.year, month.month, month.day, tzinfo=UTC)


_MONTHS = f"""SELECT to_date(right(relname, 7), 'YYYY_MM') AS month FROM pg_inherits JOIN pg_class c ON c.oid = inhrelid
    WHERE inhparent = to_regclass(:name) AND relname ~ '{_SUFFIX}$' ORDER BY 1"""  # noqa: S608 - a pattern of our own
_TABLES = " UNION ALL ".join(
    f"SELECT max(month)::timestamp AS latest, min(month)::timestamp + {span(table.keep)} AS past"  # noqa: S608
    f" FROM ({_MONTHS.replace(':name', repr(table.name))}) AS months"
    for table in MONTHLY
)
NEXT_DUE = (
    f"SELECT least(min(coalesce(latest, 'epoch')), min(past)) AT TIME ZONE 'UTC' FROM ({_TABLES}) AS monthly"  # noqa: S608
)
"""When the last month that has a partition begins, or one is past its time (see `timetable.Job`)."""


def next_words(_: Session) -> str:
    """For people."""
    return "tables get a partition for the next month"
