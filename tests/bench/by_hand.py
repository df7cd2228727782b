"""A billing run written by hand with psycopg: a batch at a time, the same rows as the product.

It knows only plain renewals: no cancellations, no declines, no errors, no checks. It shows what the rows alone cost."""

import json
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any

import psycopg

from billing.notices.payment import ReceiptMail
from billing.payments import numbers
from billing.payments.invoices import described
from billing.platform import ids
from billing.platform.site import Site
from billing.rules import periods, tax, trial
from billing.rules.money import Money
from billing.rules.periods import add_months
from emails import store

Row = tuple[Any, ...]
ME = 1


def renew(url: str, site: Site, at: datetime, *, size: int, most: int) -> int:
    """Claim and renew `size` at a time, until `most` are done or none is due; return how many were renewed."""
    done = 0
    with psycopg.connect(url, prepare_threshold=1) as connection:
        while done < most:
            count = _batch(connection, site, at, min(size, most - done))
            if not count:
                break
            done += count
    return done


def _batch(connection: psycopg.Connection, site: Site, at: datetime, size: int) -> int:
    due = connection.execute(_DUE, [at, size]).fetchall()
    if not due:
        return 0
    _draw_up(connection, site, due, at)
    connection.commit()
    claimed = connection.execute(_OPEN, [at, size]).fetchall()
    connection.execute(_CLAIM, [ME, [row[0] for row in claimed]])
    connection.commit()
    answered = [
        (*row, f"pi_{row[0]}", f"ch_{row[0]}") for row in claimed
    ]  # a gateway that always succeeds at once
    _settle(connection, site, answered, at)
    connection.commit()
    return len(due)


_DUE = """
SELECT s.id, s.reader_id, s.payment_method_id, s.charge_on, s.period_number, s.period_end_on, p.amount, l.name, l.id
FROM subscription s JOIN price p ON p.id = s.price_id JOIN plan l ON l.id = s.plan_id
WHERE s.next_action_at <= %s AND s.next_action = 'renew' ORDER BY s.next_action_at LIMIT %s FOR UPDATE OF s SKIP LOCKED
"""
_INVOICE = """
INSERT INTO invoice (id, subscription_id, plan_id, reader_id, state, period_number, period_start_on, period_end_on, description,
    gross, net, vat, vat_basis_points, currency, created_at)
SELECT id, subscription_id, plan_id, reader_id, 'open', number, start_on, end_on, description, gross, net, vat, %s, 'ZAR', %s
FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[], %s::int[], %s::date[], %s::date[], %s::text[], %s::int[], %s::int[], %s::int[])
    AS new (id, subscription_id, plan_id, reader_id, number, start_on, end_on, description, gross, net, vat)
"""
_ATTEMPT = """
INSERT INTO attempt (id, invoice_id, subscription_id, ordinal, payment_method_id, acquirer, idempotency_key, amount, state,
    intended_at, next_poll_at, poll_count, by_reader, hosted)
SELECT id, invoice_id, subscription_id, 1, method_id, 'stripe', key, amount, 'open', %s, %s, 0, false, false
FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::int[])
    AS new (id, invoice_id, subscription_id, method_id, key, amount)
"""
_CHARGING = "UPDATE subscription SET charging_since = %s, next_action = NULL, next_action_at = NULL WHERE id = ANY(%s)"


def _draw_up(connection: psycopg.Connection, site: Site, due: Sequence[Row], at: datetime) -> None:
    invoices, attempts = [], []
    rate = _vat_rate(connection, site.today(at))
    for sub, reader, method, anchor, number, ends_on, amount, plan, plan_id in due:
        split = tax.split(Money(amount), rate)
        net, vat = split.net.amount, split.vat.amount
        inv = ids.derived("inv", sub, number + 1)
        upto = add_months(anchor, number + 1)
        period = (number + 1, ends_on, upto, f"{plan}, one month")
        invoices.append((inv, sub, plan_id, reader, *period, amount, net, vat))
        attempts.append(
            (ids.derived("att", sub, number + 1, 1), inv, sub, method, f"main-{sub}-p{number + 1}-r1", amount)
        )
    connection.execute(_INVOICE, [rate.basis_points, at, *_columns(invoices)])
    connection.execute(_ATTEMPT, [at, at, *_columns(attempts)])
    connection.execute(_CHARGING, [at, [row[0] for row in due]])


def _vat_rate(connection: psycopg.Connection, on: date) -> tax.VatRate:
    rows = connection.execute("SELECT basis_points, from_on FROM vat_rate").fetchall()
    return tax.rate_on(on, [tax.VatRate(*row) for row in rows])


def _columns(rows: Sequence[Row]) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)]


_OPEN = """
SELECT a.id, a.invoice_id, a.subscription_id, a.amount, s.reader_id, s.period_number, s.period_start_on, s.period_end_on,
    i.period_end_on, i.net, i.vat, i.vat_basis_points, i.description, r.email, m.brand, m.last4, s.access_until
FROM attempt a JOIN subscription s ON s.id = a.subscription_id JOIN invoice i ON i.id = a.invoice_id
    JOIN reader r ON r.id = s.reader_id JOIN payment_method m ON m.id = a.payment_method_id
WHERE a.state = 'open' AND a.next_poll_at <= %s ORDER BY a.next_poll_at, a.id LIMIT %s FOR UPDATE OF a SKIP LOCKED
"""
_CLAIM = "UPDATE attempt SET claimed_by = %s WHERE id = ANY(%s)"
_CHARGED = """
UPDATE attempt a SET state = 'charged', settled_at = %s, claimed_by = NULL, intent_ref = new.intent
FROM unnest(%s::text[], %s::text[]) AS new (id, intent) WHERE a.id = new.id
"""
_PAYMENT = """
INSERT INTO payment (id, invoice_id, attempt_id, reader_id, amount, currency, acquirer, intent_ref, charge_ref,
    network_transaction_id, duplicate, paid_at)
SELECT id, invoice_id, attempt_id, reader_id, amount, 'ZAR', 'stripe', intent, charge, NULL, false, %s
FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[], %s::int[], %s::text[], %s::text[])
    AS new (id, invoice_id, attempt_id, reader_id, amount, intent, charge)
"""
_NUMBERS = (
    "INSERT INTO number_series (name, last) VALUES ('invoices', %s)"
    " ON CONFLICT (name) DO UPDATE SET last = number_series.last + EXCLUDED.last RETURNING last"
)
_PAID = """
UPDATE invoice i SET state = 'paid', paid_at = %s, issued_on = %s, number = new.number
FROM unnest(%s::text[], %s::int[]) AS new (id, number) WHERE i.id = new.id
"""
_OPEN_FROM = "SELECT pg_advisory_xact_lock_shared(1), (SELECT through + 1 FROM recognition_mark)"
_DEFER = """
INSERT INTO deferral (invoice_id, given, amount, starts_on, ends_on, counts_from, counts_until)
SELECT id, false, net, start_on, end_on, greatest(start_on, %s), end_on
FROM unnest(%s::text[], %s::int[], %s::date[], %s::date[]) AS new (id, net, start_on, end_on)
"""
_POST = """
WITH posted AS (
    INSERT INTO ledger_transaction (kind, source_id, at, "on", supply_on, vat_basis_points, currency)
    SELECT kind, source_id, %s, %s, %s, rate, 'ZAR' FROM unnest(%s::text[], %s::text[], %s::int[]) AS new (kind, source_id, rate)
    RETURNING id, kind, source_id
)
INSERT INTO ledger_entry (transaction_id, account, amount)
SELECT posted.id, account, amount FROM unnest(%s::text[], %s::text[], %s::text[], %s::int[])
    AS line (kind, source_id, account, amount) JOIN posted USING (kind, source_id)
"""
_MOVED = """
UPDATE subscription s SET period_number = new.number, period_start_on = new.start_on, period_end_on = new.end_on,
    access_until = new.access, charging_since = NULL, next_action = 'renew', next_action_at = new.next_at
FROM unnest(%s::text[], %s::int[], %s::date[], %s::date[], %s::timestamptz[], %s::timestamptz[])
    AS new (id, number, start_on, end_on, access, next_at) WHERE s.id = new.id
"""
_HISTORY = """
INSERT INTO subscription_change (subscription_id, event, from_state, to_state, at, actor_kind, actor_id, reason, facts)
SELECT id, 'charged', 'active', 'active', %s, 'worker', '', reason, facts
FROM unnest(%s::text[], %s::text[], %s::jsonb[]) AS new (id, reason, facts)
"""
_RECEIPT = """
INSERT INTO message (id, key, kind, reader_id, recipient, fields, state, created_at, next_attempt_at, expires_at, tries)
SELECT id, key, 'receipt', reader_id, recipient, fields, 'queued', %s, %s, %s, 0
FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[], %s::jsonb[]) AS new (id, key, reader_id, recipient, fields)
"""


def _settle(connection: psycopg.Connection, site: Site, answered: Sequence[Row], at: datetime) -> None:
    today = site.today(at)
    charged, payments, paid, owed, moved, history, receipts = [], [], [], [], [], [], []
    postings: list[Row] = []
    lines: list[Row] = []
    last = connection.execute(_NUMBERS, [len(answered)]).fetchone()
    open_from = connection.execute(_OPEN_FROM).fetchone()
    assert last is not None
    assert open_from is not None
    first = int(last[0]) - len(answered) + 1
    for number, row in enumerate(answered, first):
        (
            att,
            inv,
            sub,
            amount,
            reader,
            n,
            old_start,
            start,
            end,
            net,
            vat,
            rate,
            what,
            email,
            brand,
            last4,
            until,
            intent,
            charge,
        ) = row
        pay = ids.new("pay", at)
        charged.append((att, intent))
        payments.append((pay, inv, att, reader, amount, intent, charge))
        paid.append((inv, number))
        owed.append((inv, net, start, end))
        postings += [("invoice", inv, rate), ("payment", pay, None)]
        lines += [("invoice", inv, "receivable", amount), ("invoice", inv, "vat_output", -vat)]
        lines += [("invoice", inv, "deferred_revenue", -net)]
        lines += [("payment", pay, "gateway", amount), ("payment", pay, "receivable", -amount)]
        access, next_at = _reads_until(site, end), _charged_at(site, end)
        moved.append((sub, n + 1, start, end, access, next_at))
        facts = {
            "period_number": [n, n + 1],
            "period_start_on": [old_start.isoformat(), start.isoformat()],
            "period_end_on": [start.isoformat(), end.isoformat()],
            "access_until": [until.isoformat(), access.isoformat()],
            "charging_since": [at.isoformat(), None],
        }
        history.append((sub, f"paid invoice {inv}", json.dumps(facts)))
        words = ReceiptMail(
            number=numbers.invoice_number(number),
            issued_on=today.isoformat(),
            description=described(what),
            period_from=start.isoformat(),
            period_to=(end - timedelta(days=1)).isoformat(),
            net=net,
            vat=vat,
            gross=amount,
            vat_percent="15",
            card_brand=brand,
            card_last4=last4,
            is_copy=False,
            next_charge_on=end.isoformat(),
            cancel_url=site.cancel_url(sub),
            account_url=site.account_url,
        )
        receipts.append((ids.new("msg", at), f"receipt:{inv}", reader, email, json.dumps(store(words))))
    connection.execute(_CHARGED, [at, *_columns(charged)])
    connection.execute(_PAYMENT, [at, *_columns(payments)])
    connection.execute(_PAID, [at, today, *_columns(paid)])
    connection.execute(_DEFER, [open_from[1], *_columns(owed)])
    connection.execute(_POST, [at, today, today, *_columns(postings), *_columns(lines)])
    connection.execute(_MOVED, _columns(moved))
    connection.execute(_HISTORY, [at, *_columns(history)])
    connection.execute(_RECEIPT, [at, at, at + timedelta(days=14), *_columns(receipts)])


@lru_cache
def _reads_until(site: Site, on: date) -> datetime:
    return periods.start_of_day(on, site.zone)


@lru_cache
def _charged_at(site: Site, on: date) -> datetime:
    return trial.charge_at(on, site.zone)
