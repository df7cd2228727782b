"""Payouts for the bookkeeper: what each holds, with the reference that the bank shows."""

from datetime import date

import sqlalchemy as sa
from sqlmodel import Session

from billing.payments import numbers
from billing.reports.book_words import movement_words
from billing.reports.sheets import PeriodSheet, Rows, stream
from billing.rules.money import major

# By the day of their posting, so that this file and the ledger agree. A payout's own movement is below zero; what it pays out are
# the others that name it.
_PAYOUTS = sa.text(
    """
    SELECT p.ref, p.acquirer, t."on", p.arrives_at, coalesce(p.bank_reference, ''), p.listing, p.currency, p.amount,
        h.charges, h.charged, h.refunded, h.disputed, h.fees, h.other
    FROM ledger_transaction t JOIN payout p ON p.ref = t.source_id CROSS JOIN LATERAL (
        SELECT count(*) FILTER (WHERE m.category = 'charge') AS charges,
            coalesce(sum(m.amount) FILTER (WHERE m.category = 'charge'), 0) AS charged,
            coalesce(sum(m.amount) FILTER (WHERE m.category IN ('refund', 'refund_failure')), 0) AS refunded,
            coalesce(sum(m.amount) FILTER (WHERE m.category IN ('dispute', 'dispute_reversal')), 0) AS disputed,
            coalesce(-sum(m.fee), 0) AS fees,
            coalesce(sum(m.amount) FILTER (
                WHERE m.category NOT IN ('charge', 'refund', 'refund_failure', 'dispute', 'dispute_reversal')), 0) AS other
        FROM balance_movement m
        WHERE m.payout_ref = p.ref AND m.acquirer = p.acquirer AND m.source_ref IS DISTINCT FROM p.ref) h
    WHERE t.kind = 'payout' AND t."on" BETWEEN :first AND :last
    ORDER BY t."on", p.ref
    """
)
_LISTINGS = {
    "listed": "listed",
    "waiting": "the acquirer’s list isn’t finished",
    "none": "the acquirer lists none",
}


def _payouts(session: Session, first: date, last: date) -> Rows:
    for ref, acquirer, on, arrives_at, reference, listing, currency, amount, charges, *sums in stream(
        session, _PAYOUTS, first, last
    ):
        holds = (
            (charges, *(major(int(cents), currency) for cents in sums)) if listing == "listed" else ("",) * 6
        )
        yield (
            ref,
            acquirer,
            on,
            arrives_at,
            reference,
            major(amount, currency),
            currency,
            *holds,
            _LISTINGS[listing],
        )


# What a payout pays out, one line each: the charges of its readers, refunds, fees.
_CONTENTS = sa.text(
    """
    SELECT p.ref, m.ref, m.at, m.category, coalesce(m.source_ref, ''), coalesce(i.number::text, ''), m.amount, m.fee, m.net, m.currency
    FROM ledger_transaction t JOIN payout p ON p.ref = t.source_id
    JOIN balance_movement m ON m.payout_ref = p.ref AND m.acquirer = p.acquirer AND m.source_ref IS DISTINCT FROM p.ref
    LEFT JOIN payment y ON y.charge_ref = m.source_ref AND y.acquirer = m.acquirer AND m.category = 'charge'
    LEFT JOIN invoice i ON i.id = y.invoice_id
    WHERE t.kind = 'payout' AND t."on" BETWEEN :first AND :last
    ORDER BY t."on", p.ref, m.at, m.ref
    """
)


def _contents(session: Session, first: date, last: date) -> Rows:
    for *what, category, source, number, amount, fee, net, currency in stream(
        session, _CONTENTS, first, last
    ):
        invoice = numbers.invoice_number(int(number)) if number else ""
        amounts = (major(cents, currency) for cents in (amount, fee, net))
        yield *what, category, source, invoice, *amounts, currency, movement_words(category)


SHEETS = (
    PeriodSheet(
        "payouts",
        (
            *(
                "payout",
                "acquirer",
                "date",
                "arrives",
                "bank's reference",
                "amount, in its currency",
                "currency",
            ),
            *(
                "charges",
                "charged, in its currency",
                "refunded, in its currency",
                "disputed, in its currency",
            ),
            *("fees, in its currency", "other, in its currency", "its list"),
        ),
        _payouts,
    ),
    PeriodSheet(
        "payout-contents",
        (
            *("payout", "movement", "moment", "kind", "at the acquirer", "tax invoice"),
            *("amount, in its currency", "fee, in its currency", "net, in its currency", "currency"),
            "kind in words",
        ),
        _contents,
    ),
)
