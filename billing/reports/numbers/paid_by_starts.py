"""What each start with a known origin has paid, less what went back: kept by night, so that a year's starts need no look at each payment."""

# ruff: noqa: S608 - the queries are put together from the constants of this file alone

from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session

from billing.payments.refund_models import FAILED_UNPAID, GIVEN

# A refund may fail, or be paid by other means, long after it was made: the few that did count as moved at any time.
_RETURNED = f"""
    SELECT i.subscription_id
    FROM (SELECT payment_id FROM refund WHERE created_at >= :begin AND created_at < :until
        UNION ALL SELECT payment_id FROM refund WHERE {FAILED_UNPAID}
        UNION ALL SELECT payment_id FROM refund WHERE paid_back_ref IS NOT NULL) r
    JOIN payment p ON p.id = r.payment_id JOIN invoice i ON i.id = p.invoice_id"""
MOVED = f"""
    SELECT i.subscription_id FROM payment p JOIN invoice i ON i.id = p.invoice_id WHERE p.paid_at >= :begin AND p.paid_at < :until
    UNION {_RETURNED}"""
"""Subscriptions with a payment or a refund from `:begin` up to `:until`. Index ranges."""

KEPT_UNTIL = "coalesce(((SELECT through + 1 FROM number_mark WHERE id = 1)::timestamp AT TIME ZONE :zone), '-infinity')"
"""When the last kept day ended, in a query: a night that keeps another one between two statements changes nothing of this one."""


def summed(moved: str, before: str) -> str:
    """Parts of a query, of which `fresh` is what the starts among the subscriptions of the query `moved` have paid by payments before a
    moment: cents, VAT included, less what went back since. Those that paid nothing are left out."""
    # one start after the other, by indexes: joined together, PostgreSQL would read all invoices for the starts of a day
    return f"""
    moved AS MATERIALIZED (SELECT subscription_id FROM start_origin WHERE subscription_id IN ({moved})),
    fresh AS MATERIALIZED (
        SELECT m.subscription_id, paid.cents FROM moved m CROSS JOIN LATERAL (
            SELECT CAST(sum(p.amount - coalesce((SELECT sum(amount) FROM refund WHERE payment_id = p.id AND {GIVEN}), 0)) AS bigint) AS cents
            FROM invoice i JOIN payment p ON p.invoice_id = i.id AND NOT p.duplicate AND p.paid_at < {before}
            WHERE i.subscription_id = m.subscription_id) paid
        WHERE paid.cents IS NOT NULL)"""


PAID_NOW = f"""{summed(_RETURNED, "'infinity'")},
    since AS MATERIALIZED (
        SELECT i.subscription_id, CAST(sum(p.amount) AS bigint) AS cents FROM payment p JOIN invoice i ON i.id = p.invoice_id
        WHERE p.paid_at >= :begin AND p.paid_at >= {KEPT_UNTIL} AND NOT p.duplicate GROUP BY 1),
    paid AS (
        SELECT o.*, coalesce(f.cents, s.cents + coalesce(o.paid_cents, 0), o.paid_cents) AS cents
        FROM start_origin o LEFT JOIN fresh f USING (subscription_id) LEFT JOIN since s USING (subscription_id))"""
"""Parts of a query, of which `paid` is each start with what it has paid until now: `cents`, none before its first payment. What is kept and
the payments since, one range of them from `:begin`, the end of a kept day; summed whole where a refund moved."""
_KEEP = sa.text(
    f"""WITH {summed(MOVED, ":kept_until")}
    UPDATE start_origin o SET paid_cents = f.cents FROM fresh f
    WHERE o.subscription_id = f.subscription_id AND o.paid_cents IS DISTINCT FROM f.cents"""
)


def keep(session: Session, begin: datetime, until: datetime, *, kept_until: datetime) -> None:
    """Compute what those starts have paid whose money moved from `begin` up to `until`, and write it over what was kept of them. Payments
    count up to `kept_until`, when the last kept day ends."""
    session.execute(_KEEP, {"begin": begin, "until": until, "kept_until": kept_until})
