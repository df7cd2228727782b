"""The promises: what must always hold, each as a query for what breaks it. The doctor runs them on the whole database."""

# ruff: noqa: S608 - the queries are put together from the constants of this file alone

from datetime import timedelta

from billing.billing_run.overdue import RUN_OVERDUE
from billing.mail.models import UNWRITTEN
from billing.payments.unexplained_models import CASE_IS_OPEN
from billing.platform.db import span
from billing.platform.heartbeat import SILENT_AFTER, late
from billing.reconcile.payouts import PATIENCE_DAYS, UNKEPT
from billing.reconcile.schedule import COMPARISON_PROGRESS, LATE
from billing.reports.numbers.promise import KEPT_NUMBERS
from billing.reports.personal_promises import PERSONAL_PROMISES
from billing.reports.promise import Promise
from billing.rules.cancel_requests import ANSWER_WITHIN, HOLD_DAYS
from billing.rules.clocks import APART
from billing.rules.dunning import GRACE_DAYS


def _kept(suspects: str) -> str:
    """Of the suspects (payments with `at_fault`) those of which we keep a part: not refunded, not on its way, not disputed.

    MATERIALIZED: there are few suspects, so refunds and disputes are looked up for them alone."""
    return f"""WITH p AS MATERIALIZED ({suspects})
               SELECT p.id, p.at_fault FROM p
               WHERE p.amount > (SELECT coalesce(sum(r.amount), 0) FROM refund r WHERE r.payment_id = p.id
                                 AND (r.state <> 'failed' OR r.credit_note_number IS NOT NULL))
                 AND NOT EXISTS (SELECT FROM dispute d WHERE d.payment_id = p.id)"""


_APART = span(APART)
"""The clocks of two computers may be this far apart."""
_PAID_BEFORE_THE_STOP = """EXISTS (
                    SELECT FROM subscription_change paid JOIN subscription_change stop USING (subscription_id)
                    WHERE subscription_id = s.id AND paid.event = 'charged' AND paid.reason = 'paid invoice ' || a.invoice_id
                      AND stop.at >= coalesce(s.cancel_asked_at, s.ended_at) AND stop.id > paid.id
                      AND (stop.event IN ('cancel_asked', 'disputed') OR stop.to_state = 'ended'))"""
"""Which of two moments within `_APART` came first: the history, written under one lock, knows."""

_LOST = """WHEN 'suppression' THEN 'opt-outs and blocks of the register are not recognised'
                       WHEN 'trial_claim' THEN 'cards and erased readers may have another trial'
                       WHEN 'api_key' THEN 'no key from before opens anything'
                       ELSE 'tries of a card are counted from its next use on'"""


PROMISES = (
    Promise(
        "two-members-decide",
        "What needs a second member was approved by another person than the one who asked.",
        """SELECT v.id, concat('approved by ', d.email, ', who asked for it') AS at_fault FROM approval v
           JOIN staff_member q ON q.id = v.asked_by JOIN staff_member d ON d.id = v.decided_by
           WHERE v.state = 'done' AND (d.id = q.id OR lower(d.email) = lower(q.email))
           UNION ALL
           SELECT v.id, 'done, and no act of staff tells of it' FROM approval v
           WHERE v.state = 'done' AND v.kind = 'refund' AND v.line_id IS NULL""",
        link="/staff/approvals",
    ),
    Promise(
        "one-live-subscription",
        "No reader has two live subscriptions.",
        """SELECT reader_id AS id, count(*) || ' live subscriptions' AS at_fault
           FROM subscription WHERE state <> 'ended' GROUP BY reader_id HAVING count(*) > 1""",
    ),
    Promise(
        "one-invoice-a-period",
        "A period is invoiced once.",
        """SELECT subscription_id AS id, 'period ' || period_number AS at_fault
           FROM invoice GROUP BY subscription_id, period_number HAVING count(*) > 1""",
    ),
    Promise(
        "one-open-invoice",
        "No subscription owes two periods at once.",
        """SELECT subscription_id AS id, count(*) || ' open invoices' AS at_fault
           FROM invoice WHERE state = 'open' GROUP BY subscription_id HAVING count(*) > 1""",
    ),
    Promise(
        "starts-are-by-their-readers",
        "Nothing was started on a card page for an address that was known, in a browser that wasn't known to be its reader's.",
        """SELECT id, 'started ' || subscription_id || ' at ' || finished_at AS at_fault FROM card_setup
           WHERE state = 'done' AND purpose <> 'card' AND method_ref IS NULL
             AND browser_known_at IS NULL AND NOT new_reader""",
    ),
    Promise(
        "no-charge-in-the-trial",
        "No money is kept that was taken before the period it pays for began.",
        _kept(
            f"""SELECT p.id, p.amount, 'paid ' || p.paid_at || ' for a period from ' || i.period_start_on AS at_fault
               FROM payment p JOIN invoice i ON i.id = p.invoice_id JOIN attempt a ON a.id = p.attempt_id
               WHERE least(p.paid_at, a.intended_at) < (i.period_start_on::timestamp AT TIME ZONE :zone) - {_APART}"""
        ),
        pays_back=True,
    ),
    Promise(
        "no-charge-after-cancelling",
        "No money is kept for a charge that was begun after the reader had asked to cancel, or after the end.",
        _kept(
            f"""SELECT p.id, p.amount,
                      'charged ' || a.intended_at || ', asked to cancel ' || coalesce(s.cancel_asked_at, s.ended_at) AS at_fault
               FROM subscription s JOIN attempt a ON a.subscription_id = s.id JOIN payment p ON p.attempt_id = a.id
               WHERE a.intended_at > coalesce(s.cancel_asked_at, s.ended_at)
                 AND (a.intended_at > coalesce(s.cancel_asked_at, s.ended_at) + {_APART} OR NOT {_PAID_BEFORE_THE_STOP})"""
        ),
        pays_back=True,
    ),
    Promise(
        "no-charge-while-asked-to-cancel",
        f"No charge was begun within {HOLD_DAYS} days of a request to cancel that was open, but on the last day of a grace.",
        f"""SELECT p.id, 'charged ' || a.intended_at || ', ' || r.id || ' came ' || r.received_at AS at_fault
           FROM reader_request r JOIN payment p ON p.reader_id = r.reader_id JOIN attempt a ON a.id = p.attempt_id
                JOIN subscription s ON s.id = a.subscription_id AND s.started_at <= r.received_at
                JOIN invoice i ON i.id = a.invoice_id
           WHERE r.kind = 'cancel' AND NOT a.hosted AND NOT a.by_reader
             AND a.intended_at > r.received_at + {_APART} AND a.intended_at < r.received_at + interval '{HOLD_DAYS} days'
             AND a.intended_at < coalesce(r.closed_at, 'infinity')
             AND a.intended_at < coalesce((i.first_failed_on + {GRACE_DAYS - 1})::timestamp AT TIME ZONE :zone, 'infinity')
             AND NOT EXISTS (SELECT FROM reader_request o WHERE o.reader_id = r.reader_id AND o.kind = 'cancel'
                             AND o.received_at < r.received_at AND o.received_at > r.received_at - interval '30 days')""",
    ),
    Promise(
        "requests-to-cancel-are-answered",
        f"No request to cancel, of a reader who is still to be charged, has waited for more than {ANSWER_WITHIN.days} days.",
        f"""SELECT r.id, 'from ' || r.email || ' since ' || r.received_at AS at_fault
           FROM reader_request r JOIN subscription s ON s.reader_id = r.reader_id AND s.started_at <= r.received_at
           WHERE r.kind = 'cancel' AND r.closed_at IS NULL AND r.received_at < :at - {span(ANSWER_WITHIN)}
             AND s.state <> 'ended' AND s.cancel_asked_at IS NULL""",
        link="/staff/requests/{}",
    ),
    Promise(
        "no-charge-twice",
        "No money is kept that was paid for a period that had been paid.",
        _kept(
            """SELECT p.id, p.amount, 'invoice ' || p.invoice_id || ' had been paid' AS at_fault FROM payment p WHERE p.duplicate
               UNION ALL
               SELECT p.id, p.amount, 'invoice ' || p.invoice_id || ' has an older payment'
               FROM payment p JOIN (SELECT invoice_id, min(id) AS oldest FROM payment WHERE NOT duplicate
                                    GROUP BY invoice_id HAVING count(*) > 1) o USING (invoice_id)
               WHERE NOT p.duplicate AND p.id > o.oldest"""
        ),
        pays_back=True,
    ),
    Promise(
        "no-charge-unexplained",
        "No money was taken in our name for what isn't in this database; what was goes back, and a person says why.",
        f"""SELECT charge_ref AS id, 'taken ' || taken_at || ' for ' || subscription_ref
                  || coalesce(', went back ' || returned_at, ', is kept: ' || coalesce(failure, 'not sent yet')) AS at_fault
           FROM unexplained_charge
           WHERE (returned_at IS NULL AND (given_up_at IS NULL OR {CASE_IS_OPEN}))
              OR EXISTS (SELECT FROM staff_case c WHERE c.kind = 'unknown_charge'
                         AND c.subject = charge_ref AND c.closed_at IS NULL)""",
    ),
    Promise(
        "notices-before-the-first-charge",
        "Before the first charge after a trial both notices were accepted in their windows (CARD-4).",
        """WITH first AS MATERIALIZED (
               SELECT p.id, p.reader_id, a.intended_at, a.subscription_id
               FROM invoice i JOIN payment p ON p.invoice_id = i.id JOIN attempt a ON a.id = p.attempt_id
               WHERE i.period_number = 1 AND a.ordinal = 1),
           notice AS MATERIALIZED (
               SELECT reader_id, key, accepted_at, fields->>'which' AS which,
                      CASE fields->>'which' WHEN 'first' THEN interval '9 days' ELSE interval '7 days' END AS opens,
                      CASE fields->>'which' WHEN 'first' THEN interval '7 days' ELSE interval '3 days' END AS closes
               FROM message WHERE kind = 'trial_notice'),
           told AS (
               SELECT f.id, count(DISTINCT n.which) AS notices FROM first f JOIN notice n ON n.reader_id = f.reader_id
                  AND n.key LIKE '%:' || f.subscription_id || ':%'
                  AND n.accepted_at BETWEEN f.intended_at - n.opens AND f.intended_at - n.closes
               GROUP BY f.id)
           SELECT f.id, 'first charge ' || f.intended_at || ' of ' || f.subscription_id AS at_fault
           FROM first f LEFT JOIN told ON told.id = f.id
           WHERE coalesce(told.notices, 0) < 2
             AND (SELECT c.to_state FROM subscription_change c WHERE c.subscription_id = f.subscription_id
                  ORDER BY c.id LIMIT 1) = 'trialing'""",
    ),
    Promise(
        "one-trial-a-person",
        "Every trial is claimed by an address and a card, or was allowed by staff.",
        """SELECT s.id, 'no claim of a ' || kind AS at_fault
           FROM subscription s CROSS JOIN (VALUES ('address'), ('card')) AS wanted (kind)
           WHERE (SELECT c.to_state FROM subscription_change c WHERE c.subscription_id = s.id ORDER BY c.id LIMIT 1) = 'trialing'
             AND NOT EXISTS (SELECT FROM trial_claim t WHERE t.subscription_id = s.id AND t.kind = wanted.kind)
             AND NOT EXISTS (SELECT FROM trial_exception e WHERE e.subscription_id = s.id)""",
    ),
    Promise(
        "lists-keep-their-salt",
        "Every list of hashed addresses and cards is hashed under the list key in use, or staff know what was lost.",
        f"""SELECT l.list AS id, 'its rows until ' || coalesce(l.lost_at::text, 'an unknown moment') || ' are hashed under another key: '
                  || CASE l.list {_LOST} END AS at_fault
           FROM list_salt l JOIN jsonb_each_text(CAST(:salts AS jsonb)) AS used (list, check_value) USING (list)
           WHERE l.check_value <> used.check_value AND NOT EXISTS (
               SELECT FROM staff_case c WHERE c.kind = 'promise_broken' AND c.subject = 'lists-keep-their-salt:' || l.list
                 AND c.closed_at IS NOT NULL)
           UNION ALL
           SELECT used.list, 'no row says that it is hashed under the key in use' FROM jsonb_each_text(CAST(:salts AS jsonb)) AS used (list, check_value)
           WHERE NOT EXISTS (SELECT FROM list_salt l WHERE l.list = used.list AND l.check_value = used.check_value)""",
    ),
    Promise(
        "charges-are-settled",
        "Every charged attempt is a payment, and every payment was an attempt.",
        """SELECT a.id, 'charged, and no payment' AS at_fault FROM attempt a LEFT JOIN payment p ON p.attempt_id = a.id
           WHERE a.state = 'charged' AND p.id IS NULL
           UNION ALL
           SELECT p.id, 'the attempt is ' || a.state FROM payment p JOIN attempt a ON a.id = p.attempt_id WHERE a.state <> 'charged'
           UNION ALL
           SELECT i.id, 'paid without a payment' FROM invoice i LEFT JOIN payment p ON p.invoice_id = i.id AND NOT p.duplicate
           WHERE i.state = 'paid' AND p.id IS NULL""",
    ),
    Promise(
        "books-balance",
        "Every transaction in the ledger sums to zero.",
        """SELECT t.id::text AS id, t.kind || ' ' || t.source_id AS at_fault
           FROM ledger_transaction t LEFT JOIN (SELECT transaction_id, sum(amount) AS total FROM ledger_entry GROUP BY transaction_id) e
                ON e.transaction_id = t.id
           WHERE e.total IS DISTINCT FROM 0""",
    ),
    Promise(
        "money-is-in-the-books",
        "Every payment, tax invoice and credit note is in the ledger.",
        """SELECT f.id, 'no ' || f.kind || ' in the ledger' AS at_fault
           FROM (SELECT id, 'payment' AS kind FROM payment
                 UNION ALL SELECT id, 'invoice' FROM invoice WHERE state = 'paid'
                 UNION ALL SELECT id, 'refund' FROM refund WHERE credit_note_number IS NOT NULL
                 UNION ALL SELECT id, unnest(ARRAY['invoice', 'refund']) FROM invoice_correction) f
           LEFT JOIN ledger_transaction t ON t.kind = f.kind AND t.source_id = f.id WHERE t.id IS NULL""",
    ),
    Promise(
        "numbers-without-gaps",
        "Tax invoices and credit notes are numbered without a gap.",
        """WITH invoices AS (SELECT number FROM invoice UNION ALL SELECT replaced_number FROM invoice_correction),
                notes AS (SELECT credit_note_number AS number FROM refund UNION ALL SELECT credit_note_number FROM invoice_correction)
           SELECT series AS id, found || ' numbers up to ' || last AS at_fault
           FROM (SELECT 'tax invoices' AS series, count(number) AS found, coalesce(max(number), 0) AS last FROM invoices
                 UNION ALL SELECT 'credit notes', count(number), coalesce(max(number), 0) FROM notes) n
           WHERE found <> last""",
    ),
    Promise(
        "one-tax-invoice-in-force",
        "A corrected tax invoice is credited for all that was left of it, and another one over the same takes its place.",
        """SELECT c.id, 'credits ' || c.gross || ' of ' || b.gross - n.gross || ' cents, VAT ' || c.vat || ' of ' || b.vat - n.vat AS at_fault
           FROM invoice_correction c JOIN invoice i ON i.id = c.invoice_id
                LEFT JOIN invoice_correction o ON o.number = c.replaced_number LEFT JOIN invoice_correction f ON f.replaced_number = c.number
                CROSS JOIN LATERAL (SELECT coalesce(o.gross, i.gross) AS gross, coalesce(o.vat, i.vat) AS vat) b
                CROSS JOIN LATERAL (SELECT coalesce(sum(r.amount), 0) AS gross, coalesce(sum(r.vat), 0) AS vat
                    FROM payment p JOIN refund r ON r.payment_id = p.id WHERE p.invoice_id = c.invoice_id AND NOT p.duplicate
                    AND r.credit_note_number > coalesce(o.credit_note_number, 0) AND r.credit_note_number < c.credit_note_number) n
           WHERE (c.gross, c.vat) <> (b.gross - n.gross, b.vat - n.vat) OR coalesce(f.replaced_number, i.number) <> c.number""",
    ),
    Promise(
        "refunds-within-payments",
        "No more goes back than was paid.",
        """SELECT p.id, sum(r.amount) || ' back of ' || p.amount || ' cents' AS at_fault
           FROM payment p JOIN refund r ON r.payment_id = p.id AND (r.state <> 'failed' OR r.credit_note_number IS NOT NULL)
           GROUP BY p.id HAVING sum(r.amount) > p.amount""",
    ),
    Promise(
        "states-have-their-history",
        "Every subscription is in the state that its history ends with.",
        """SELECT s.id, s.state || ', but the history says ' || coalesce(last.to_state, 'nothing') AS at_fault
           FROM subscription s LEFT JOIN LATERAL (
               SELECT c.to_state FROM subscription_change c WHERE c.subscription_id = s.id ORDER BY c.id DESC LIMIT 1) last ON true
           WHERE last.to_state IS DISTINCT FROM s.state""",
    ),
    Promise(
        "payers-can-read",
        "Whoever has paid reads to the end of what is paid.",
        """SELECT id, 'paid to ' || period_end_on || ', reads until ' || access_until AS at_fault
           FROM subscription WHERE state = 'active' AND cancel_asked_at IS NULL AND period_number > 0
             AND access_until < period_end_on::timestamp AT TIME ZONE :zone""",
    ),
    Promise(
        "what-is-due-is-done",
        "Nothing has been due for more than two hours.",
        f"""SELECT id, next_action || ' due since ' || next_action_at AS at_fault
           FROM subscription WHERE {late("next_action_at", timedelta(hours=2))}""",
    ),
    Promise(
        "attempts-end",
        "No charge has been open for more than two days, unless staff have its case.",
        f"""SELECT a.id, 'intended ' || a.intended_at || ', asked ' || a.poll_count || ' times' AS at_fault
            FROM attempt a WHERE a.state = 'open' AND {late("a.intended_at", timedelta(days=2))}
              AND NOT EXISTS (SELECT FROM staff_case c
                              WHERE c.kind = 'charge_refused' AND c.subject = a.id AND c.closed_at IS NULL)""",
    ),
    Promise(
        "refunds-go-out",
        "No refund has waited to be sent for more than two days, nor two weeks for our balance or the reader's bank.",
        f"""SELECT id, 'since ' || created_at || coalesce(': ' || failure, '') AS at_fault
           FROM refund WHERE (state = 'intended' AND awaiting_balance_since IS NULL AND {late("created_at", timedelta(days=2))})
              OR (state = 'intended' AND awaiting_balance_since IS NOT NULL OR state = 'pending')
                 AND created_at < :at - interval '14 days'""",
    ),
    Promise(
        "mail-goes-out",
        "No mail has waited to be tried for more than an hour.",
        f"""SELECT id, kind || ' since ' || next_attempt_at AS at_fault
           FROM message WHERE state = 'queued' AND {late("next_attempt_at", timedelta(hours=1))}""",
    ),
    Promise(
        "mail-can-be-written",
        "No mail waits because it can't be put into words.",
        f"""SELECT id, kind || ' since ' || created_at || ', ' || last_answer AS at_fault
           FROM message WHERE {UNWRITTEN}""",
    ),
    Promise(
        "no-untrue-mail-waits",
        "No mail that has become untrue waits to be sent.",
        """SELECT m.id, m.kind || ' about ' || m.about AS at_fault
           FROM message m WHERE m.state = 'queued' AND m.created_at < :at - interval '2 hours' AND NOT <holds>""",
    ),
    Promise(
        "notices-are-accepted",
        "No notice that a charge waits for was refused, or has waited for the mail server for half a day.",
        f"""SELECT DISTINCT ON (reader_id) reader_id AS id, kind || ' ' || id || ': ' || coalesce(last_answer, 'not sent') AS at_fault
           FROM (SELECT * FROM message WHERE state = 'queued' AND {late("created_at", timedelta(hours=12))}
                 UNION ALL SELECT * FROM message WHERE state = 'refused' AND expires_at > :at) m
           WHERE kind IN ('trial_notice', 'term_notice', 'term_reminder', 'pause_ends')
           ORDER BY reader_id, id""",
    ),
    Promise(
        "ticks-are-seen",
        "A worker has looked for what is due within the last minutes.",
        f"""SELECT 'worker' AS id, 'last heard of ' || at AS at_fault FROM worker_heartbeat WHERE at < :at - {span(SILENT_AFTER)}""",
    ),
    Promise(
        "books-are-compared",
        "Each day of our books was compared with the acquirer's within twelve hours of when that was due.",
        f"""SELECT coalesce(through + 1, (due_at AT TIME ZONE :zone)::date - 1)::text AS id,
                  'due since ' || due_at || coalesce(': ' || problem, '') AS at_fault
           FROM ({COMPARISON_PROGRESS}) s WHERE {late("due_at", LATE)}""",
    ),
    Promise(
        "payouts-are-compared",
        "Every payout was compared with what it pays out within three days.",
        f"""SELECT id, 'not compared since ' || at AS at_fault FROM ({UNKEPT}) u WHERE at < :at - interval '{PATIENCE_DAYS} days'""",
    ),
    Promise(
        "billing-runs-finish",
        "While something is due, a billing run finishes or gets on within a quarter of an hour.",
        f"""SELECT 'billing run' AS id, 'the last one finished ' || run_at AS at_fault FROM ({RUN_OVERDUE}) o""",
    ),
    Promise(
        "events-are-settled",
        "No webhook has waited to be settled for more than an hour.",
        f"""SELECT event_ref AS id, event_type || ' since ' || received_at AS at_fault
           FROM inbound_event WHERE settled_at IS NULL AND set_aside_at IS NULL AND {late("next_attempt_at", timedelta(hours=1))}""",
    ),
    *KEPT_NUMBERS,
    *PERSONAL_PROMISES,
)
