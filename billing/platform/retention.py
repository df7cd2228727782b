"""What is thrown away when its time is over: one line a table. Deleted in small batches, in no other work's way."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from billing.platform.db import Database, span

BATCH = 1000
"""Rows a transaction."""


@dataclass(frozen=True, slots=True)
class RetentionRule:
    """Rows of a table whose `column` lies further back than `keep`; `only` narrows it down."""

    table: str
    column: str
    keep: timedelta
    only: str = "true"


RULES = (
    RetentionRule("sign_in_link", "created_at", timedelta(days=2)),  # good for ten minutes
    RetentionRule("staff_link", "created_at", timedelta(days=2)),
    RetentionRule("rate_count", "window_start", timedelta(days=2)),  # the longest window is a day
    RetentionRule(
        "reader_session", "started_at", timedelta(days=365)
    ),  # lives 180 days; then evidence in a dispute
    RetentionRule(
        "staff_session", "started_at", timedelta(days=90)
    ),  # lives 12 hours; what was done stays in the audit
    RetentionRule(
        "staff_browser", "signed_in_at", timedelta(days=365)
    ),  # as long as the browser keeps its cookie
    RetentionRule("api_key_reader", "read_at", timedelta(days=2)),  # the ceiling counts a day
    RetentionRule(
        "bulk_read", "hour", timedelta(days=400)
    ),  # evidence, should a key or a member have read too much
    RetentionRule("api_key_spending", "hour", timedelta(days=30)),  # the ceilings count a day
    RetentionRule("api_answer", "created_at", timedelta(days=30)),  # who repeats a call does it within hours
    RetentionRule(
        "inbound_event", "received_at", timedelta(days=90), "settled_at IS NOT NULL"
    ),  # the acquirer keeps them 30 days
)


def delete_expired(database: Database, at: datetime) -> int:
    """Delete what is older than it is kept; how many rows."""
    return sum(_forget(database, aged, at) for aged in RULES)


def _forget(database: Database, aged: RetentionRule, at: datetime) -> int:
    """Oldest first, a batch at a time. Rows in somebody's hands are left for the next time."""
    statement = sa.text(
        f"DELETE FROM {aged.table} WHERE ctid IN (SELECT ctid FROM {aged.table}"  # noqa: S608 - names of our own
        f" WHERE {aged.column} < :before AND {aged.only}"
        f" ORDER BY {aged.column} LIMIT :batch FOR UPDATE SKIP LOCKED)"
    )
    total = 0
    while True:
        with database.transaction() as session:
            done = session.connection().execute(statement, {"before": at - aged.keep, "batch": BATCH})
            count = done.rowcount
        total += count
        if count < BATCH:
            return total


_RIPE = ", ".join(
    f"(SELECT min({aged.column}) + {span(aged.keep)} FROM {aged.table} WHERE {aged.only})"  # noqa: S608
    for aged in RULES
)
# An instant before the ripe one lies in the day whose night is over; the next one begins at one.
NEXT_DUE = f"""SELECT date_trunc('day', least({_RIPE}) - interval '1 hour 1 microsecond', 'UTC') + interval '25 hours'"""
"""The first hour of the night (UTC) after something has grown too old; one look at an index a table (see `timetable.Job`)."""
