"""How long rows are kept: one rule a table, or one for each kind of its rows. Old rows are deleted in small batches that block no other work."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlmodel import Session

from billing.platform.db import Database, span
from billing.platform.partitions import DELIVERIES, EVENTS

BATCH = 1000
"""Rows a transaction."""


@dataclass(frozen=True, slots=True)
class RetentionRule:
    """Rows are deleted when `column` is older than so many days; `only` is an SQL condition that narrows them down.

    `needed`: a condition for rows that stay nevertheless, for a short while: it isn't asked when rows are due next.
    `partition`: the one that they are deleted from, where the table's other partitions are dropped whole (see `partitions`)."""

    table: str
    column: str
    days: int
    only: str = "true"
    partition: str = ""
    needed: str = "false"

    @property
    def keep(self) -> timedelta:
        """The days as a span; each has 24 hours."""
        return timedelta(days=self.days)

    @property
    def place(self) -> str:
        """The table or partition that rows are deleted from."""
        return self.partition or self.table


UNFINISHED = "state NOT IN ('open', 'done')"
"""SQL: a visit to the card page that led to nothing."""
OF_NO_ACCOUNT = "reader_id IS NULL AND kind NOT IN ('sign_in_link', 'confirm_signup')"
"""SQL: a mail to staff or a stranger. One that confirmed a newsletter stays: it proves the consent (C6)."""
RULES = (
    RetentionRule("sign_in_link", "created_at", 2),  # valid for ten minutes
    RetentionRule("address_change", "created_at", 30, "confirmed_at IS NULL"),  # a confirmed one is history
    RetentionRule("staff_link", "created_at", 2),
    RetentionRule("rate_count", "window_start", 2),  # the longest window is a day
    RetentionRule("reader_session", "started_at", 365),  # lives 180 days; afterwards evidence in a dispute
    RetentionRule("staff_session", "started_at", 90),  # lives 12 hours; the audit keeps what was done
    RetentionRule("staff_browser", "signed_in_at", 365),  # as long as the browser keeps its cookie
    RetentionRule("api_key_reader", "read_at", 2),  # the limit counts a day
    RetentionRule("bulk_read", "hour", 400),  # evidence, should a key or a member have read too much
    RetentionRule("staff_alert", "at", 400),  # what is open longer is mailed about again
    RetentionRule("api_key_spending", "hour", 30),  # the limits count a day
    RetentionRule("api_answer", "created_at", 30),  # calls are repeated within hours
    RetentionRule("message", "created_at", 400, f"{OF_NO_ACCOUNT} AND state <> 'queued'"),
    RetentionRule("message", "created_at", 14, "kind = 'sign_in_link' AND state <> 'queued'"),
    RetentionRule("data_request", "made_at", 7),  # the page says so
    RetentionRule("card_setup", "created_at", 28, UNFINISHED),  # its page is open for a day
    RetentionRule(  # of a start that led to no reader
        *("consent", "accepted_at", 30, "reader_id IS NULL"),
        needed="EXISTS (SELECT FROM card_setup WHERE consent_id = consent.id)",
    ),
    RetentionRule(EVENTS.name, "received_at", EVENTS.keep.days, "settled_at IS NOT NULL", EVENTS.default),
    RetentionRule(
        DELIVERIES.name,
        DELIVERIES.column,
        DELIVERIES.keep.days,
        partition=DELIVERIES.default,
        needed=DELIVERIES.needed,
    ),
)


def delete_expired(database: Database, at: datetime) -> int:
    """Delete what is older than its rule allows. Returns the number of rows."""
    return sum(_delete_by(rule, database, at) for rule in RULES)


def _delete_by(rule: RetentionRule, database: Database, at: datetime) -> int:
    # SKIP LOCKED: a row that other work has locked is deleted on a later night
    statement = sa.text(
        f"DELETE FROM {rule.place} WHERE ctid IN (SELECT ctid FROM {rule.place}"  # noqa: S608 - names of our own
        f" WHERE {rule.column} < :before AND {rule.only} AND NOT ({rule.needed})"
        f" ORDER BY {rule.column} LIMIT :batch FOR UPDATE SKIP LOCKED)"
    )
    total = 0
    while True:
        with database.transaction() as session:
            batch = {"before": at - rule.keep, "batch": BATCH}
            count = session.connection().execute(statement, batch).rowcount
        total += count
        if count < BATCH:
            return total


_EXPIRES = ", ".join(
    f"(SELECT min({rule.column}) + {span(rule.keep)} FROM {rule.place} WHERE {rule.only})"  # noqa: S608
    for rule in RULES
)
# Days are counted from 01:00 UTC. The microsecond keeps a row that expires at exactly 01:00 in that same hour.
NEXT_DUE = f"""SELECT date_trunc('day', least({_EXPIRES}) - interval '1 hour 1 microsecond', 'UTC') + interval '25 hours'"""
"""The first 01:00 UTC after a row expires; one index lookup a table (see `timetable.Job`)."""


def next_words(_: Session) -> str:
    """What is due then, for people."""
    return "what is old is thrown away"
