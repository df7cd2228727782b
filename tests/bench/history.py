"""A year of history of a million readers, by a few statements of SQL: what staff's pages look through.

Three quarters of the readers began thirteen months before `crowd.AT`, the others later; each pays once a month. Every 20th ended, every
50th got the last charge back, every 5th came by an article. Rows are written in the order of time, as a year writes them."""

import time
from datetime import timedelta

import click
import psycopg

from billing.container import Services
from billing.platform.time_limits import Work, doing
from billing.reports.numbers import days as numbers
from tests.bench.crowd import AT, filling

MONTHS = 13
NOT_KEPT = timedelta(days=3)
"""The last day of charges is the third before `crowd.AT`."""
GIVEN = (
    *("thandi", "sipho", "nomsa", "pieter", "anna", "johan", "lerato", "themba", "fatima", "ahmed", "zanele", "willem", "naledi"),
    *("david", "sarah", "bongani", "ayanda", "michael", "chantal", "kagiso", "lindiwe", "riaan", "priya", "mandla", "elize", "tumelo"),
)  # fmt: skip
FAMILY = (
    *("nkosi", "dlamini", "botha", "naidoo", "vandermerwe", "mokoena", "pillay", "smith", "khumalo", "jacobs", "mahlangu"),
    *("pretorius", "zulu", "govender", "williams", "sithole", "coetzee", "ndlovu", "adams", "mthembu", "fourie", "molefe", "patel"),
)  # fmt: skip
_LETTERS = "translate({0}::text, '0123456789', 'abcdefghjk')"
_OF_READER = "lpad(" + _LETTERS.format("n") + ", 26, 'a')"
_BASE = "(date '2026-05-16' + n %% 28)"
_LATE = "CASE WHEN n %% 4 = 0 THEN 1 + (n / 4) %% 12 ELSE 0 END"
"""In which month a reader began."""
_ENDS = "CASE WHEN n %% 20 = 7 THEN 1 + (n / 20) %% 12 ELSE 13 END"
"""After which month one ended."""
_NUMBER = "lpad(" + _LETTERS.format("number") + ", 10, 'a')"
_PEOPLE = (
    f"""
    INSERT INTO reader (id, email, created_at)
    SELECT 'rdr_' || {_OF_READER}, (%(given)s::text[])[1 + n %% {len(GIVEN)}] || '.' || (%(family)s::text[])[1 + (n / {len(GIVEN)}) %% {len(FAMILY)}]
        || n || '@example.com', ({_BASE} + make_interval(months => {_LATE}) - interval '14 days' + time '08:00') AT TIME ZONE 'Africa/Johannesburg'
    FROM generate_series(1, %(size)s) n
    """,
    f"""
    INSERT INTO payment_method
        (id, reader_id, acquirer, customer_ref, gateway_ref, brand, last4, exp_month, exp_year, fingerprint, saved_at)
    SELECT 'pmt_' || {_OF_READER}, 'rdr_' || {_OF_READER}, 'stripe', 'cus_' || n, 'pm_' || n, CASE n %% 3 WHEN 0 THEN 'mastercard' ELSE 'visa' END,
        lpad((n %% 10000)::text, 4, '0'), 12, 2031, md5(n::text), '2026-05-02 08:00+02'
    FROM generate_series(1, %(size)s) n
    """,
    f"""
    INSERT INTO subscription
        (id, reader_id, plan_id, price_id, payment_method_id, card_expires_on, state, started_at, charge_on, period_number,
         period_start_on, period_end_on, access_until, next_action, next_action_at, ended_at, ended_reason)
    SELECT 'sub_' || {_OF_READER}, 'rdr_' || {_OF_READER}, 'monthly', 'monthly-75', 'pmt_' || {_OF_READER}, '2031-12-31',
        CASE WHEN last < 13 THEN 'ended' ELSE 'active' END,
        (first - interval '14 days' + time '08:00') AT TIME ZONE 'Africa/Johannesburg', first, last - late,
        base + make_interval(months => last - 1), base + make_interval(months => last),
        (base + make_interval(months => last)) AT TIME ZONE 'Africa/Johannesburg',
        CASE WHEN last = 13 THEN 'renew' END,
        CASE WHEN last = 13 THEN (base + make_interval(months => last) + time '09:00') AT TIME ZONE 'Africa/Johannesburg' END,
        CASE WHEN last < 13 THEN (base + make_interval(months => last)) AT TIME ZONE 'Africa/Johannesburg' END,
        CASE WHEN last < 13 THEN 'ran_out' END
    FROM (SELECT n, {_BASE} AS base, {_LATE} AS late, {_ENDS} AS last, ({_BASE} + make_interval(months => {_LATE}))::date AS first
          FROM generate_series(1, %(size)s) n) s
    """,
    f"""
    INSERT INTO reader_session (id, token_hash, reader_id, started_at, seen_at, ip, device, email_verified)
    SELECT 'ses_' || {_OF_READER}, md5(n::text), 'rdr_' || {_OF_READER}, '2027-06-01 08:00+02', '2027-06-14 08:00+02', '198.51.100.7',
        'Firefox on Windows', true
    FROM generate_series(1, %(size)s) n
    """,
    f"""
    INSERT INTO invoice_recipient (id, reader_id, name, address, entered_at)
    SELECT 'rcp_' || {_OF_READER}, 'rdr_' || {_OF_READER}, initcap((%(family)s::text[])[1 + (n / {len(GIVEN)}) %% {len(FAMILY)}]) || ' Trading ' || n,
        '1 Long Street', '2026-06-01 08:00+02'
    FROM generate_series(1, %(size)s, 50) n
    """,
    f"""
    INSERT INTO start_origin (subscription_id, reader_id, article_id, section, is_trial, at)
    SELECT 'sub_' || {_OF_READER}, 'rdr_' || {_OF_READER}, 'article-' || n %% 3000, 'News', true,
        ({_BASE} + make_interval(months => {_LATE}) - interval '14 days' + time '08:00') AT TIME ZONE 'Africa/Johannesburg'
    FROM generate_series(1, %(size)s) n WHERE n %% 5 < 1 ORDER BY 6
    """,
)
_PAID_MONTH = (
    f"""
    INSERT INTO charged
    SELECT n, (%(month)s::int * %(size)s::int + row_number() OVER (ORDER BY n %% 28, n))::int AS number, 'sub_' || {_OF_READER}, 'rdr_' || {_OF_READER},
        'pmt_' || {_OF_READER}, %(month)s - late + 1, base + make_interval(months => %(month)s),
        base + make_interval(months => %(month)s + 1),
        (base + make_interval(months => %(month)s) + time '09:00') AT TIME ZONE 'Africa/Johannesburg'
    FROM (SELECT n, {_BASE} AS base, {_LATE} AS late, {_ENDS} AS last FROM generate_series(1, %(size)s) n) s
    WHERE %(month)s >= late AND %(month)s < last ORDER BY n %% 28, n
    """,
    """
    INSERT INTO subscription_change (subscription_id, event, from_state, to_state, at, actor_kind, actor_id, reason, facts)
    SELECT sub, NULL, NULL, 'trialing', at - interval '14 days', 'reader', rdr, '', '{}' FROM charged WHERE period = 1
    """,
    f"""
    INSERT INTO invoice (id, subscription_id, plan_id, reader_id, state, period_number, period_start_on, period_end_on, description, gross,
        net, vat, vat_basis_points, currency, created_at, number, paid_at, issued_on)
    SELECT 'inv_' || {_NUMBER}, sub, 'monthly', rdr, 'paid', period, starts, ends, 'Monthly', 7500, 6522, 978, 1500, 'ZAR', at, number, at, starts
    FROM charged
    """,
    f"""
    INSERT INTO attempt (id, invoice_id, subscription_id, ordinal, payment_method_id, acquirer, idempotency_key, amount, state, intended_at,
        next_poll_at, poll_count, by_reader, settled_at, intent_ref)
    SELECT 'att_' || {_NUMBER}, 'inv_' || {_NUMBER}, sub, 1, card, 'stripe', 'k' || {_NUMBER}, 7500, 'charged', at, at, 0, false, at,
        'pi_' || {_NUMBER}
    FROM charged
    """,
    f"""
    INSERT INTO payment (id, invoice_id, attempt_id, reader_id, amount, currency, acquirer, intent_ref, charge_ref, paid_at)
    SELECT 'pay_' || {_NUMBER}, 'inv_' || {_NUMBER}, 'att_' || {_NUMBER}, rdr, 7500, 'ZAR', 'stripe', 'pi_' || {_NUMBER}, 'ch_' || {_NUMBER}, at
    FROM charged
    """,
    f"""
    INSERT INTO deferral (invoice_id, given, amount, starts_on, ends_on, counts_from, counts_until)
    SELECT 'inv_' || {_NUMBER}, false, 6522, starts, ends, starts, ends FROM charged
    """,
    f"""
    INSERT INTO ledger_transaction (id, kind, source_id, at, "on", supply_on, vat_basis_points, currency) OVERRIDING SYSTEM VALUE
    SELECT 2 * number::bigint + v.nth, v.kind, v.kind_id || {_NUMBER}, at, starts, starts, v.rate, 'ZAR'
    FROM charged, (VALUES (0, 'invoice', 'inv_', 1500), (1, 'payment', 'pay_', NULL)) AS v (nth, kind, kind_id, rate)
    """,
    """
    INSERT INTO ledger_entry (transaction_id, account, amount)
    SELECT 2 * number::bigint + v.nth, v.account, v.cents
    FROM charged, (VALUES (0, 'receivable', 7500), (0, 'vat_output', -978), (0, 'deferred_revenue', -6522), (1, 'gateway', 7500),
        (1, 'receivable', -7500)) AS v (nth, account, cents)
    """,
    f"""
    INSERT INTO subscription_change (subscription_id, event, from_state, to_state, at, actor_kind, actor_id, reason, facts)
    SELECT sub, 'charged', CASE period WHEN 1 THEN 'trialing' ELSE 'active' END, 'active', at, 'worker', '', 'paid invoice inv_' || {_NUMBER},
        jsonb_build_object('period_number', jsonb_build_array(period - 1, period))
    FROM charged
    """,
    f"""
    INSERT INTO subscription_change (subscription_id, event, from_state, to_state, at, actor_kind, actor_id, reason, facts)
    SELECT sub, 'ran_out', 'active', 'ended', at + interval '1 month', 'worker', '', '', '{{}}' FROM charged WHERE %(month)s + 1 = {_ENDS}
        AND %(month)s < 12
    """,
)
_LATEST_MONTH = (
    f"""
    INSERT INTO message (id, key, kind, reader_id, recipient, fields, state, created_at, next_attempt_at, expires_at, tries, accepted_at)
    SELECT 'msg_' || {_NUMBER}, 'receipt:inv_' || {_NUMBER}, 'receipt', rdr, 'r@example.com', '{{}}', 'accepted', at, at, at, 1, at FROM charged
    """,
    f"""
    INSERT INTO refund (actor_kind, actor_id, id, payment_id, reader_id, amount, net, vat, state, cause, reason, idempotency_key, keyed_at,
        key_unusable, created_at, next_poll_at, poll_count, acquirer, gateway_ref, credit_note_number, settled_at)
    SELECT 'worker', '', 'ref_' || {_NUMBER}, 'pay_' || {_NUMBER}, rdr, 7500, 6522, 978, 'succeeded', 'goodwill-' || {_NUMBER}, '', 'r' || {_NUMBER}, at, false,
        at + interval '1 day', at, 0, 'stripe', 're_' || {_NUMBER}, number, at + interval '1 day'
    FROM charged WHERE n %% 50 = 3
    """,
    f"""
    INSERT INTO ledger_transaction (kind, source_id, at, "on", supply_on, vat_basis_points, currency)
    SELECT 'refund', 'ref_' || {_NUMBER}, at, starts + 1, starts, 1500, 'ZAR' FROM charged WHERE n %% 50 = 3
    """,
)
_DAILY = (
    "SELECT setval(pg_get_serial_sequence('ledger_transaction', 'id'), 10000000000)",
    """
    WITH booked AS (
        INSERT INTO ledger_transaction (kind, source_id, at, "on", supply_on, currency)
        SELECT 'recognition', d::date::text, d + interval '1 day', d, d, 'ZAR' FROM generate_series(date '2026-05-16', date '2027-06-14', '1 day') d
        RETURNING id)
    INSERT INTO ledger_entry SELECT id, account, %(size)s * 200::bigint * sign FROM booked, (VALUES ('deferred_revenue', 1), ('revenue', -1)) v (account, sign)
    """,
    "INSERT INTO recognition_mark (id, through, next_at) VALUES (1, '2027-06-14', '2027-06-16 00:00+02')",
)
_OF_A_CHARGE = """
CREATE TEMP TABLE charged (n int, number int, sub text, rdr text, card text, period int, starts date, ends date, at timestamptz)
"""
GROWN = (
    *("reader", "payment_method", "subscription", "reader_session", "invoice_recipient", "start_origin", "subscription_change"),
    *("invoice", "attempt", "payment", "deferral", "ledger_transaction", "ledger_entry", "message", "refund", "number_day"),
)  # fmt: skip
"""The tables that this fills."""


_SLOW = """
SELECT c.oid::regclass::text, pg_get_indexdef(c.oid) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
WHERE i.indrelid = ANY (%s::text[]::regclass[]) AND NOT i.indisunique
"""
"""Indexes that are made faster of all rows than row by row."""


def live_a_year(url: str, size: int) -> None:
    """Write the history of so many readers. It says how long each month took."""
    given = {"size": size, "given": list(GIVEN), "family": list(FAMILY)}
    began = time.monotonic()
    with filling(url) as connection:
        connection.execute(_OF_A_CHARGE)
        slow = connection.execute(_SLOW, [list(GROWN)]).fetchall()
        for name, _ in slow:
            connection.execute(f"DROP INDEX {name}".encode())
        _run(connection, (_DAILY[0], *_PEOPLE), given)
        _say(f"{size:,} readers", began)
        for month in range(MONTHS):
            with connection.transaction():
                connection.execute("TRUNCATE charged")
                _run(connection, _PAID_MONTH, given | {"month": month})
                if month == MONTHS - 1:
                    _run(connection, _LATEST_MONTH, given)
            _say(f"month {month + 1} of {MONTHS}", began)
        _run(connection, _DAILY[1:], given)
        for _, made in slow:
            connection.execute(made)
        _say("indexed", began)
        for table in GROWN:
            connection.execute(f"VACUUM ANALYZE {table}".encode())
        _say("vacuumed", began)


def keep_the_days(services: Services) -> None:
    """Let the product keep what each day brought, as its nights would have, but for the last days: so a page counts a whole day's charges."""
    began = time.monotonic()
    with doing(Work.LONG):
        kept = numbers.keep_due(services.database, services.site, AT - NOT_KEPT)
    with filling(services.settings.database_url) as connection:
        connection.execute("VACUUM ANALYZE number_day, start_origin")
    _say(f"kept {kept} days", began)


def _run(connection: psycopg.Connection, statements: tuple[str, ...], given: dict[str, object]) -> None:
    for statement in statements:
        names = {name: value for name, value in given.items() if f"%({name})s" in statement}
        connection.execute(
            statement.encode() if names else statement.replace("%%", "%").encode(), names or None
        )


def _say(what: str, began: float) -> None:
    click.echo(f"  {what}: {time.monotonic() - began:,.0f} s so far", err=True)
