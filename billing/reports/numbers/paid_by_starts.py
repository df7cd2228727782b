"""What each start with a known origin has paid, less what went back: kept by night, so that a year's starts need no look at each payment."""

# ruff: noqa: S608 - the queries are put together from the constants of this file alone

from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session

from billing.payments.refund_models import FAILED_UNPAID, GIVEN

TOUCHED = f"""
    SELECT i.subscription_id FROM payment p JOIN invoice i ON i.id = p.invoice_id WHERE p.paid_at >= :begin AND p.paid_at < :until
    UNION SELECT i.subscription_id
    FROM (SELECT payment_id FROM refund WHERE created_at >= :begin AND created_at < :until
        UNION ALL SELECT payment_id FROM refund WHERE {FAILED_UNPAID}
        UNION ALL SELECT payment_id FROM refund WHERE paid_back_ref IS NOT NULL) r
    JOIN payment p ON p.id = r.payment_id JOIN invoice i ON i.id = p.invoice_id"""
"""Subscriptions whose money moved from `:begin` up to `:until`. A refund may fail, or be paid by other means, long after it was made: the
few that did count as moved at any time. Index ranges."""


MOVED = f"""
    touched AS MATERIALIZED (SELECT subscription_id FROM start_origin WHERE subscription_id IN ({TOUCHED})),
    charged AS MATERIALIZED (
        SELECT t.subscription_id, p.id, p.amount FROM touched t JOIN invoice i ON i.subscription_id = t.subscription_id
        JOIN payment p ON p.invoice_id = i.id AND NOT p.duplicate),
    fresh AS MATERIALIZED (
        SELECT subscription_id, CAST(sum(cents) AS bigint) AS cents FROM (
            SELECT subscription_id, amount AS cents FROM charged
            UNION ALL SELECT c.subscription_id, -r.amount FROM charged c JOIN refund r ON r.payment_id = c.id AND {GIVEN}) moved
        GROUP BY 1)"""
"""Parts of a query: starts whose money moved, and `fresh`, what those that paid have paid until now: cents, VAT included."""
_KEEP = sa.text(
    f"""WITH {MOVED}
    UPDATE start_origin o SET paid_cents = f.cents FROM fresh f
    WHERE o.subscription_id = f.subscription_id AND o.paid_cents IS DISTINCT FROM f.cents"""
)


def keep(session: Session, begin: datetime, until: datetime) -> None:
    """Compute what those starts have paid whose money moved from `begin` up to `until`, and write it over what was kept."""
    session.execute(_KEEP, {"begin": begin, "until": until})
