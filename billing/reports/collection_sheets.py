"""What came back and what didn't come: refunds by reason and member, failed payments, and how old they are."""

from collections import Counter
from datetime import date, timedelta

import sqlalchemy as sa
from sqlmodel import Session

from billing.payments import numbers
from billing.platform.actors import ActorKind, actor_of
from billing.platform.context import TransactionContext
from billing.reports.sheets import PeriodSheet, Rows, StandingSheet, stream
from billing.rules.money import major
from billing.rules.periods import start_of_day

# By the day of their posting, as in the file of credit notes. What was paid twice was sold once: it has no VAT.
_REFUNDS = sa.text(
    """
    SELECT r.reason, r.actor_kind, CASE WHEN r.actor_kind = 'reader' THEN '' ELSE r.actor_id END, count(*),
        sum(CASE WHEN p.duplicate THEN 0 ELSE r.net END), sum(CASE WHEN p.duplicate THEN 0 ELSE r.vat END),
        sum(CASE WHEN p.duplicate THEN 0 ELSE r.amount END), sum(CASE WHEN p.duplicate THEN r.amount ELSE 0 END)
    FROM ledger_transaction t JOIN refund r ON r.id = t.source_id JOIN payment p ON p.id = r.payment_id
    WHERE t.kind = 'refund' AND t."on" BETWEEN :first AND :last
    GROUP BY 1, 2, 3 ORDER BY sum(r.amount) DESC, 1, 2, 3
    """
)


def _refunds(session: Session, first: date, last: date) -> Rows:
    """Sums by reason and actor, a member by address, a program by name. Readers stand together: their names explain nothing here."""
    for reason, kind, actor_id, count, *sums in stream(session, _REFUNDS, first, last):
        yield reason, str(actor_of(ActorKind(kind), actor_id)), count, *(major(int(cents)) for cents in sums)


_FAILED = sa.text(
    """
    SELECT i.first_failed_on, i.id, i.reader_id, i.gross, i.state, i.number, i.issued_on,
        (SELECT count(*) FROM attempt a WHERE a.invoice_id = i.id AND a.state = 'declined'),
        (SELECT a.decline_cause FROM attempt a WHERE a.invoice_id = i.id AND a.state = 'declined' ORDER BY a.ordinal DESC LIMIT 1)
    FROM invoice i WHERE i.first_failed_on BETWEEN :first AND :last
    ORDER BY i.first_failed_on, i.id
    """
)
_STATES = {"open": "still owed", "paid": "paid", "void": "given up"}
_CAUSES = {"funds": "too little money", "expired": "card expired", "online": "not open to payments online"}


def _failed(session: Session, first: date, last: date) -> Rows:
    for failed_on, invoice, reader, gross, state, number, paid_on, tries, cause in stream(
        session, _FAILED, first, last
    ):
        paid = (
            (numbers.invoice_number(number), paid_on, (paid_on - failed_on).days) if number else ("", "", "")
        )
        why = _CAUSES.get(cause or "", "declined by the bank")
        yield failed_on, invoice, reader, major(gross), tries, why, _STATES[state], *paid


BUCKETS = ((7, "up to 7 days"), (14, "8 to 14 days"), (30, "15 to 30 days"), (None, "over 30 days"))
"""Ages of what is owed, by days since the first failed charge."""
# An invoice is given up when its subscription ends; what is charged after that goes back.
_OWED = sa.text(
    """
    SELECT i.first_failed_on, count(*), sum(i.gross) FROM invoice i JOIN subscription s ON s.id = i.subscription_id
    WHERE i.first_failed_on <= :last AND (i.issued_on IS NULL OR i.issued_on > :last) AND (s.ended_at IS NULL OR s.ended_at >= :until)
        AND (i.state <> 'void' OR s.ended_at IS NOT NULL)
    GROUP BY 1
    """
)


def ageing(ctx: TransactionContext, last: date) -> list[tuple[str, int, int]]:
    """What had failed by the end of the day `last` and was still owed then: words, charges and cents of each age, counted at that
    day. What is paid or given up later changes nothing."""
    counts, sums = Counter[str](), Counter[str]()
    until = start_of_day(last + timedelta(days=1), ctx.zone)
    for failed_on, count, cents in ctx.session.execute(_OWED, {"last": last, "until": until}):
        days = (last - failed_on).days
        age = next(words for most, words in BUCKETS if most is None or days <= most)
        counts[age] += count
        sums[age] += int(cents)
    return [(words, counts[words], sums[words]) for _, words in BUCKETS]


def _ageing(ctx: TransactionContext, last: date) -> Rows:
    for words, count, cents in ageing(ctx, last):
        yield words, count, major(cents)


_AMOUNTS = ("excluding VAT, R", "VAT, R", "including VAT, R")
SHEETS = (
    PeriodSheet("refunds", ("reason", "by", "how many", *_AMOUNTS, "paid twice, R"), _refunds),
    PeriodSheet(
        "failed-payments",
        (
            *(
                "first failed",
                "invoice",
                "reader",
                "including VAT, R",
                "declined charges",
                "last reason",
                "now",
            ),
            *("tax invoice", "paid on", "days until paid"),
        ),
        _failed,
    ),
    StandingSheet("ageing", ("owed for", "how many", "including VAT, R"), _ageing),
)
