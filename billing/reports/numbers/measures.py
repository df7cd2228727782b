"""What each day brought, one query for each source: recurring revenue, trials, dunning, money, card schemes, newsletters.

Each query gives rows of `(day, measure, of, value)` for the days of a period. History is asked by the instants `:begin` and `:until`,
the ledger by the days `:first` and `:last`; `:zone` is the publisher's. What is asked by a range uses an index on it."""

# ruff: noqa: S608 - the queries are put together from the constants of this file alone

from dataclasses import dataclass

_LINE = """
    SELECT c.id, c.subscription_id, c.event, c.from_state, c.to_state, c.actor_kind, (c.at AT TIME ZONE :zone)::date AS day,
        CASE WHEN c.event = 'charged' THEN substr(c.reason, length('paid invoice ') + 1) END AS invoice_id
    FROM subscription_change c WHERE c.at >= :begin AND c.at < :until"""
"""Lines of history. The one of a charge names its invoice."""
_PAYS = "(event = 'charged' AND facts -> 'period_number' IS NOT NULL)"
"""A charge that began a period; a late answer about an earlier one moves nothing."""
_STOPS = "(to_state IN ('ended', 'paused') AND from_state <> to_state)"


def _monthly(invoice: str, plan: str) -> str:
    """Cents a month of an invoice without VAT, rounded half up."""
    return f"coalesce((2 * {invoice}.net + {plan}.months) / (2 * {plan}.months), 0)"


_REASON = """CASE
            WHEN l.to_state = 'paused' THEN 'pause'
            WHEN l.event IN ('gave_up', 'first_charge_refused') THEN 'payment'
            WHEN l.event = 'disputed' OR (l.event = 'ended_now' AND l.actor_kind = 'acquirer') THEN 'dispute'
            WHEN l.event = 'ran_out' AND EXISTS (
                SELECT FROM subscription_change d WHERE d.subscription_id = l.subscription_id AND d.id < l.id
                    AND d.event = 'disputed' AND NOT EXISTS (
                        SELECT FROM subscription_change u WHERE u.subscription_id = l.subscription_id
                            AND u.id > d.id AND u.id < l.id AND u.event = 'cancel_undone')) THEN 'dispute'
            WHEN l.event = 'unreachable' THEN 'mail'
            WHEN l.event = 'ended_now' AND l.actor_kind IN ('staff', 'api', 'command') THEN 'staff'
            ELSE 'reader' END"""
REASONS = {
    "reader": "The reader cancelled, or told the bank to stop",
    "payment": "A payment failed, and the grace passed",
    "dispute": "The bank disputes a charge",
    "mail": "Mail that must come before a charge is refused",
    "staff": "Staff ended it",
    "pause": "A pause began",
}
"""Why recurring revenue stopped, in words."""

# `moving` leaves out renewals, which are nearly all: the next period of the same plan at the same price. A join, and not EXISTS in the
# condition, which PostgreSQL answers by hashing all invoices.
# Before and after of each line that changes what a subscription brings a month. `known`: its reader has paid before.
RECURRING = f"""
WITH line AS MATERIALIZED (
    SELECT * FROM ({_LINE} AND ({_PAYS} OR {_STOPS})) c
), moving AS (
    SELECT l.* FROM line l LEFT JOIN invoice n ON n.id = l.invoice_id
    LEFT JOIN invoice o ON o.subscription_id = n.subscription_id AND o.period_number = n.period_number - 1 AND o.state = 'paid'
        AND o.plan_id = n.plan_id AND o.net = n.net AND o.period_end_on = n.period_start_on
    WHERE o.id IS NULL OR l.from_state <> 'active'
), moved AS (
    SELECT l.day, l.to_state, i.plan_id, {_monthly("i", "p")} AS cents, b.plan_id AS plan_before,
        coalesce(b.cents, 0) AS cents_before, {_REASON} AS reason,
        to_char(f.at AT TIME ZONE :zone, 'YYYY-MM') AS cohort, f.id = l.id AS is_first,
        CASE WHEN coalesce(b.cents, 0) = 0 THEN EXISTS (
            SELECT FROM subscription o JOIN subscription_change e ON e.subscription_id = o.id
            WHERE o.reader_id = s.reader_id AND e.event = 'charged' AND e.id < l.id) END AS known
    FROM moving l JOIN subscription s ON s.id = l.subscription_id
    LEFT JOIN invoice i ON i.id = l.invoice_id LEFT JOIN plan p ON p.id = i.plan_id
    LEFT JOIN LATERAL (
        SELECT v.plan_id, {_monthly("v", "q")} AS cents FROM (
            SELECT CASE WHEN event = 'charged' THEN substr(reason, length('paid invoice ') + 1) END AS invoice_id
            FROM subscription_change
            WHERE subscription_id = l.subscription_id AND id < l.id AND ({_PAYS} OR {_STOPS})
            ORDER BY id DESC LIMIT 1) x
        JOIN invoice v ON v.id = x.invoice_id JOIN plan q ON q.id = v.plan_id) b ON true
    LEFT JOIN LATERAL (
        SELECT id, at FROM subscription_change WHERE subscription_id = l.subscription_id AND {_PAYS} ORDER BY id LIMIT 1) f ON true
), kind AS (
    SELECT *, cents - cents_before AS change, CASE
        WHEN cents_before = 0 AND cents > 0 THEN CASE WHEN known THEN 'reactivation' ELSE 'new' END
        WHEN cents_before > 0 AND cents = 0 THEN 'churn'
        WHEN cents > cents_before THEN 'expansion' WHEN cents < cents_before THEN 'contraction' END AS movement
    FROM moved
)
SELECT day, v.measure, v.of, sum(v.value)::bigint AS value FROM kind CROSS JOIN LATERAL (VALUES
    ('mrr', plan_id, cents), ('mrr', plan_before, -cents_before),
    ('paying', plan_id, CASE WHEN cents > 0 THEN 1 END), ('paying', plan_before, CASE WHEN cents_before > 0 THEN -1 END),
    ('mrr_' || movement, '', change), ('count_' || movement, '', 1),
    ('churn_mrr', CASE movement WHEN 'churn' THEN reason END, change),
    ('churn', CASE movement WHEN 'churn' THEN reason END, 1),
    ('cohort_begun', CASE WHEN is_first THEN cohort END, 1),
    ('cohort', CASE WHEN movement IN ('new', 'reactivation', 'churn') THEN cohort END, sign(change)::integer)
) AS v (measure, of, value)
WHERE v.measure IS NOT NULL AND v.of IS NOT NULL AND v.value IS NOT NULL
GROUP BY 1, 2, 3 HAVING sum(v.value) <> 0
"""

# A trial is known by the first line of its history, and its first payment by the state that it leaves. What becomes of it counts for the week in which it started.
TRIALS = f"""
WITH line AS MATERIALIZED (
    SELECT * FROM ({_LINE} AND (event IS NULL OR from_state <> to_state)) c
), tried AS (
    SELECT l.day, date_trunc('week', s.started_at AT TIME ZONE :zone)::date::text AS week,
        CASE WHEN l.event IS NULL THEN 'trials' WHEN l.event = 'charged' THEN 'converted' ELSE 'trial_lost' END AS measure
    FROM line l JOIN subscription s ON s.id = l.subscription_id
    JOIN LATERAL (
        SELECT to_state FROM subscription_change WHERE subscription_id = s.id ORDER BY id LIMIT 1) f ON f.to_state = 'trialing'
    WHERE (l.event IS NULL OR l.event = 'charged' OR l.to_state = 'ended') AND NOT EXISTS (
        SELECT FROM subscription_change e WHERE e.subscription_id = s.id AND e.event = 'charged' AND e.id < l.id)
)
SELECT day, measure, week AS of, count(*)::bigint AS value FROM tried GROUP BY 1, 2, 3
UNION ALL
SELECT l.day, 'state', v.state, sum(v.value)::bigint FROM line l
CROSS JOIN LATERAL (VALUES (l.to_state, 1), (l.from_state, -1)) AS v (state, value)
WHERE v.state <> 'ended' AND l.from_state IS DISTINCT FROM l.to_state GROUP BY 1, 2, 3 HAVING sum(v.value) <> 0
"""

DUNNING = f"""
WITH line AS MATERIALIZED (
    SELECT * FROM ({_LINE} AND ((event = 'declined' AND from_state <> 'past_due')
                                OR (from_state = 'past_due' AND to_state <> 'past_due'))) c
), step AS (
    SELECT l.day, i.gross, CASE
        WHEN l.event = 'declined' THEN 'failed' WHEN l.event <> 'charged' THEN 'lost'
        WHEN a.by_reader THEN 'reader' ELSE 'rung-' || (
            SELECT count(*) FROM attempt d WHERE d.invoice_id = l.invoice_id AND d.state = 'declined' AND NOT d.by_reader) END AS of
    FROM line l LEFT JOIN invoice i ON i.id = l.invoice_id
    LEFT JOIN attempt a ON a.invoice_id = l.invoice_id AND a.state = 'charged'
        AND EXISTS (SELECT FROM payment p WHERE p.attempt_id = a.id AND NOT p.duplicate)
)
SELECT day, v.measure, of, sum(v.value)::bigint AS value FROM step
CROSS JOIN LATERAL (VALUES ('dunning', 1), ('dunning_gross', gross)) AS v (measure, value)
WHERE v.value IS NOT NULL GROUP BY 1, 2, 3
"""

MONEY = """
WITH booked AS MATERIALIZED (
    SELECT id, kind, source_id, "on" AS day FROM ledger_transaction WHERE "on" BETWEEN :first AND :last
)
SELECT t.day, v.measure, i.plan_id AS of, sum(v.value)::bigint AS value
FROM booked t JOIN invoice i ON i.id = t.source_id
CROSS JOIN LATERAL (VALUES ('charges', 1), ('charged_gross', i.gross), ('charged_net', i.net)) AS v (measure, value)
WHERE t.kind = 'invoice' GROUP BY 1, 2, 3
UNION ALL
SELECT t.day, v.measure, CASE WHEN p.duplicate THEN 'duplicate' ELSE 'sale' END, sum(v.value)::bigint
FROM booked t JOIN refund r ON r.id = t.source_id JOIN payment p ON p.id = r.payment_id
CROSS JOIN LATERAL (VALUES ('refunds', 1), ('refunded_gross', r.amount)) AS v (measure, value)
WHERE t.kind = 'refund' GROUP BY 1, 2, 3
UNION ALL
SELECT t.day, 'revenue', '', -sum(e.amount)::bigint FROM booked t JOIN ledger_entry e ON e.transaction_id = t.id
WHERE t.kind <> 'payment' AND e.account = 'revenue' GROUP BY 1 HAVING sum(e.amount) <> 0
"""

SCHEMES = """
SELECT (p.paid_at AT TIME ZONE :zone)::date AS day, 'payments' AS measure, m.brand AS of, count(*)::bigint AS value
FROM payment p JOIN attempt a ON a.id = p.attempt_id JOIN payment_method m ON m.id = a.payment_method_id
WHERE p.paid_at >= :begin AND p.paid_at < :until GROUP BY 1, 3
UNION ALL
SELECT (d.opened_at AT TIME ZONE :zone)::date, 'disputes', m.brand, count(*)::bigint
FROM dispute d JOIN payment p ON p.id = d.payment_id JOIN attempt a ON a.id = p.attempt_id
JOIN payment_method m ON m.id = a.payment_method_id
WHERE d.opened_at >= :begin AND d.opened_at < :until AND NOT d.inquiry GROUP BY 1, 3
UNION ALL
SELECT (c.opened_at AT TIME ZONE :zone)::date, 'warnings', m.brand, count(*)::bigint
FROM staff_case c JOIN payment p ON p.id = c.facts ->> 'payment' JOIN attempt a ON a.id = p.attempt_id
JOIN payment_method m ON m.id = a.payment_method_id
WHERE c.kind = 'fraud_warning' AND c.opened_at >= :begin AND c.opened_at < :until GROUP BY 1, 3
"""

NEWSLETTERS = """
SELECT (at AT TIME ZONE :zone)::date AS day, CASE to_state WHEN 'confirmed' THEN 'joined' ELSE 'left' END AS measure,
    newsletter_id AS of, count(*)::bigint AS value
FROM signup_change WHERE at >= :begin AND at < :until AND to_state IN ('confirmed', 'left') GROUP BY 1, 2, 3
"""


@dataclass(frozen=True, slots=True)
class Source:
    """A query, and the measures that it gives."""

    name: str
    sql: str
    measures: tuple[str, ...]


MOVEMENTS = ("new", "reactivation", "expansion", "contraction", "churn")
"""How recurring revenue changes: the first three add to it, the last two take from it."""
RECURRING_SOURCE = Source(
    "recurring",
    RECURRING,
    (
        *("mrr", "paying", "churn_mrr", "churn", "cohort_begun", "cohort"),
        *(f"{kind}_{movement}" for kind in ("mrr", "count") for movement in MOVEMENTS),
    ),
)
TRIAL_SOURCE = Source("trials", TRIALS, ("trials", "converted", "trial_lost", "state"))
DUNNING_SOURCE = Source("dunning", DUNNING, ("dunning", "dunning_gross"))
MONEY_SOURCE = Source(
    "money", MONEY, ("charges", "charged_gross", "charged_net", "refunds", "refunded_gross", "revenue")
)
SCHEME_SOURCE = Source("schemes", SCHEMES, ("payments", "disputes", "warnings"))
NEWSLETTER_SOURCE = Source("newsletters", NEWSLETTERS, ("joined", "left"))
SOURCES = (
    RECURRING_SOURCE,
    TRIAL_SOURCE,
    DUNNING_SOURCE,
    MONEY_SOURCE,
    SCHEME_SOURCE,
    NEWSLETTER_SOURCE,
)
