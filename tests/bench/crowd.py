"""Millions of subscriptions, inserted by SQL without their histories.

It is Tuesday 15 June 2027, nine in Johannesburg. Every charge is due later in the month, until `make_due` moves some."""

import random
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import psycopg

from billing.dev.postgres import Embedded
from tests.support.installation import adopt, prepare

ZONE = ZoneInfo("Africa/Johannesburg")
AT = datetime(2027, 6, 15, 9, tzinfo=ZONE).astimezone(UTC)

# Ids are numbers written in letters, because the log filter searches digits for card numbers. Foreign keys are not checked, since
# they are right by construction.
_MAKE = (
    """
    INSERT INTO reader (id, email, created_at)
    SELECT 'rdr_' || lpad(translate(n::text, '0123456789', 'abcdefghjk'), 26, 'a'), 'reader-' || n || '@example.com', '2027-03-01 08:00+02'
    FROM generate_series(%(first)s::int, %(last)s) n
    """,
    """
    INSERT INTO payment_method
        (id, reader_id, acquirer, customer_ref, gateway_ref, brand, last4, exp_month, exp_year, fingerprint, saved_at)
    SELECT 'pmt_' || lpad(translate(n::text, '0123456789', 'abcdefghjk'), 26, 'a'), 'rdr_' || lpad(translate(n::text, '0123456789', 'abcdefghjk'), 26, 'a'), 'stripe', 'cus_' || n, 'pm_' || n, 'visa',
        lpad((n %% 10000)::text, 4, '0'), 12, 2031, md5(n::text), '2027-03-01 08:00+02'
    FROM generate_series(%(first)s::int, %(last)s) n
    """,
    """
    INSERT INTO subscription
        (id, reader_id, plan_id, price_id, payment_method_id, card_expires_on, state, started_at, charge_on,
         period_number, period_start_on, period_end_on, access_until, next_action, next_action_at)
    SELECT 'sub_' || lpad(translate(n::text, '0123456789', 'abcdefghjk'), 26, 'a'), 'rdr_' || lpad(translate(n::text, '0123456789', 'abcdefghjk'), 26, 'a'), 'monthly', 'monthly-75',
        'pmt_' || lpad(translate(n::text, '0123456789', 'abcdefghjk'), 26, 'a'), '2031-12-31', 'active', '2027-03-01 08:00+02', date '2027-03-16' + n %% 13,
        3, date '2027-05-16' + n %% 13, date '2027-06-16' + n %% 13,
        (date '2027-06-16' + n %% 13)::timestamp AT TIME ZONE 'Africa/Johannesburg', 'renew',
        (date '2027-06-16' + n %% 13 + time '09:00') AT TIME ZONE 'Africa/Johannesburg'
    FROM generate_series(%(first)s::int, %(last)s) n
    """,
)
_STEP = 50_000
_LETTERS = str.maketrans("0123456789", "abcdefghjk")


def _name(kind: str, n: int) -> str:
    return f"{kind}_" + str(n).translate(_LETTERS).rjust(26, "a")


def grow(url: str, size: int, *, alone: bool = False) -> None:
    """Insert subscriptions up to `size`, each with reader and card, or `alone`. A later call can insert more."""
    with filling(url) as connection:
        row = connection.execute("SELECT count(*) FROM subscription").fetchone()
        known = row[0] if row else 0
        for first in range(known + 1, size + 1, _STEP):
            span = {"first": first, "last": min(first + _STEP - 1, size)}
            for statement in _MAKE[2:] if alone else _MAKE:
                connection.execute(statement.encode(), span)
        connection.execute(
            "INSERT INTO recognition_mark (id, through, next_at) VALUES (1, '2027-06-14', '2027-06-16 00:00+02')"
            " ON CONFLICT DO NOTHING"
        )
        for table in ("reader", "payment_method", "subscription"):
            connection.execute(f"VACUUM ANALYZE {table}".encode())


_PAST = (
    """
    INSERT INTO attempt (id, invoice_id, subscription_id, ordinal, payment_method_id, acquirer, idempotency_key, amount, state,
        intended_at, next_poll_at, poll_count, by_reader, settled_at)
    SELECT 'att_' || n, 'inv_' || n, 'sub_' || n, 1, 'pmt_' || n, 'stripe', 'key-' || n, 7500, 'charged', '2027-05-16 09:00+02',
        '2027-05-16 09:00+02', 0, false, '2027-05-16 09:00+02'
    FROM generate_series(%(first)s::int, %(last)s) n
    """,
    """
    INSERT INTO deferral (invoice_id, given, amount, starts_on, ends_on, counts_from, counts_until)
    SELECT 'inv_' || n, false, 6522, '2027-05-16', '2027-06-16', '2027-05-16', '2027-06-16'
    FROM generate_series(%(first)s::int, %(last)s) n
    """,
    """
    INSERT INTO message (id, key, kind, recipient, fields, state, created_at, next_attempt_at, expires_at, tries, accepted_at)
    SELECT 'msg_' || n, 'receipt:' || n, 'receipt', 'r@example.com', '{}', 'accepted', '2027-05-16 09:00+02',
        '2027-05-16 09:00+02', '2027-05-30 09:00+02', 1, '2027-05-16 09:00+02'
    FROM generate_series(%(first)s::int, %(last)s) n
    """,
    """
    INSERT INTO inbound_event (id, acquirer, event_ref, event_type, object_ref, created_at, received_at, next_attempt_at, tries, failures, settled_at)
    SELECT 'hook_' || n, 'stripe', 'evt_' || n, 'charge.updated', 'ch_' || n, '2027-05-16 09:00+02', '2027-05-16 09:00+02',
        '2027-05-16 09:00+02', 1, 0, '2027-05-16 09:00+02'
    FROM generate_series(%(first)s::int, %(last)s) n
    """,
)


def live_through(url: str, more: int) -> None:
    """Insert this many settled charges, mails and events; nothing else is due."""
    with filling(url) as connection:
        row = connection.execute("SELECT count(*) FROM attempt").fetchone()
        known = row[0] if row else 0
        for statement in _PAST:
            connection.execute(statement.encode(), {"first": known + 1, "last": known + more})
        for table in ("attempt", "deferral", "message", "inbound_event"):
            connection.execute(f"VACUUM ANALYZE {table}".encode())
        later = "2027-06-16 02:00+02"
        for statement in (
            "INSERT INTO held_time (id, now) VALUES (1, %(at)s) ON CONFLICT DO NOTHING",
            "INSERT INTO doctor_visit VALUES (%(at)s, 0, 0, %(later)s) ON CONFLICT DO NOTHING",
            "INSERT INTO reconciliation (through, since, next_at, tries, movements, differences)"
            " VALUES ('2027-06-14', '2027-06-14', %(later)s, 0, 0, 0) ON CONFLICT DO NOTHING",
        ):
            connection.execute(statement.encode(), {"at": AT, "later": later})


def make_due(url: str, count: int) -> None:
    """Make `count` subscriptions due for renewal now, scattered over the table, none renewed before."""
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT count(*) FROM subscription").fetchone()
        size = row[0] if row else 0
        # Draw more than `count`, since an earlier part renewed a few; of a small table draw all.
        some = random.sample(range(1, size + 1), min(size, 2 * count + 100))
        made = connection.execute(
            """
            UPDATE subscription SET charge_on = '2027-03-15', period_start_on = '2027-05-15', period_end_on = '2027-06-15',
                access_until = '2027-06-15 00:00+02', next_action_at = %(at)s
            WHERE id IN (SELECT id FROM subscription WHERE id = ANY(%(some)s) AND period_number = 3 LIMIT %(count)s)
            """,
            {"at": AT, "count": count, "some": [_name("sub", n) for n in some]},
        )
    if made.rowcount != count:
        raise AssertionError(f"only {made.rowcount} of {count} could be made due")


def webhooks_arrive(url: str, name: str, most: int) -> int:
    """Store the acquirer's event of each of so many charges, none settled; how many there are."""
    with psycopg.connect(url) as connection:
        made = connection.execute(
            """
            INSERT INTO inbound_event (id, acquirer, event_ref, event_type, signal, object_ref, attempt_id, created_at, received_at,
                next_attempt_at, tries, failures)
            SELECT 'hook_' || %(name)s || id, acquirer, 'evt_' || %(name)s || id, 'payment_intent.succeeded', 'charge_succeeded',
                intent_ref, id, %(at)s, %(at)s, %(at)s, 0, 0
            FROM attempt WHERE state = 'charged' AND intent_ref IS NOT NULL LIMIT %(most)s
            """,
            {"name": name, "at": AT, "most": most},
        )
    return made.rowcount


def make_idle(url: str) -> None:
    """Make no subscription due."""
    with psycopg.connect(url) as connection:
        connection.execute(
            "UPDATE subscription SET next_action_at = %(at)s + interval '1 day' WHERE next_action_at <= %(at)s",
            {"at": AT},
        )


@contextmanager
def filling(url: str) -> Iterator[psycopg.Connection]:
    """A connection that checks no foreign keys, fires no triggers, and doesn't wait for the disk."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")  # foreign keys are right by construction
        connection.execute("SET synchronous_commit = off")
        yield connection


@contextmanager
def a_database(*, durable: bool = True) -> Iterator[str]:
    """A migrated database on its own server, discarded at the end. `durable`: commits wait for the disk, as in production."""
    folder = Path(tempfile.mkdtemp(prefix="masthead-bench-"))
    try:
        with Embedded.start(folder, durable=durable, disposable=True) as server:
            url = server.create("bench")
            prepare(url)
            adopt(url)
            yield url
    finally:
        shutil.rmtree(folder, ignore_errors=True)
