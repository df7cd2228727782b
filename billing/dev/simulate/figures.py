"""The figures of a finished simulation, read from the product's tables."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session

from billing.dev.simulate import alarms
from billing.dev.simulate.dates import ZONE

STATES = ("trialing", "active", "past_due", "paused")
PAID = ("active", "past_due", "paused")
_DAY = timedelta(days=1)


@dataclass
class Figures:
    """Counts and cents. `end` is repeatable: the same seed gives it again, to the cent."""

    days: list[date] = field(default_factory=list)
    states: dict[str, list[int]] = field(default_factory=dict)
    """By state: the number of readers at the end of each day."""
    ended: list[int] = field(default_factory=list)
    money: dict[str, dict[str, int]] = field(default_factory=dict)
    """By month: cents charged, refunded, recognised, and paid in fees."""
    conversion: dict[str, tuple[int, int, int]] = field(default_factory=dict)
    """By month of the start: finished trials, those that were paid for, and those cancelled in the trial."""
    churn: dict[str, tuple[int, int]] = field(default_factory=dict)
    """By month: paying readers at its beginning, and those of them who left in it."""
    recovered: Counter[int] = field(default_factory=Counter)
    """Days from the first decline to the payment."""
    failed: Counter[str] = field(default_factory=Counter)
    """Invoices whose first charge was declined, by their final state."""
    mails: dict[str, dict[str, int]] = field(default_factory=dict)
    doctor: dict[date, int] = field(default_factory=dict)
    """Unexpected broken promises by the day of the visit (see `alarms`)."""
    differences: dict[date, int] = field(default_factory=dict)
    """Differences between the books by compared day."""
    doubts: dict[str, int] = field(default_factory=dict)
    end: dict[str, Any] = field(default_factory=dict)


def read(session: Session, first: date, last: date) -> Figures:
    """Read all figures of these days."""
    found = Figures(days=[first + _DAY * n for n in range((last - first).days + 1)])
    _count_states(session, found)
    _add_money(session, found)
    _count_conversion(session, found)
    _count_churn(session, found)
    _count_recovery(session, found)
    for kind, state, count in _rows(
        session, "SELECT kind, state, count(*) FROM message GROUP BY 1, 2 ORDER BY 1, 2"
    ):
        found.mails.setdefault(kind, {})[state] = count
    found.doctor = {
        at.astimezone(ZONE).date(): unexpected for at, unexpected in _rows(session, alarms.VISITS)
    }
    compared = _rows(
        session, "SELECT since, through, differences FROM reconciliation WHERE done_at IS NOT NULL"
    )
    found.differences = {
        since + _DAY * n: differences
        for since, through, differences in compared
        for n in range((through - since).days + 1)
    }
    found.doubts = {words: _rows(session, query)[0][0] for words, query in _DOUBTS.items()}
    found.end = _end(session, found)
    return found


_DOUBTS = {
    "charges whose outcome was unknown for a while": "SELECT count(*) FROM attempt WHERE poll_count > 0",
    "of them, charged once in the end": "SELECT count(*) FROM attempt WHERE poll_count > 0 AND state = 'charged'",
    "of them, refused": "SELECT count(*) FROM attempt WHERE poll_count > 0 AND state = 'declined'",
    "of them, never sent, and tried anew where still owed": "SELECT count(*) FROM attempt WHERE poll_count > 0 AND state = 'not_sent'",
    "refunds that had to be asked about": "SELECT count(*) FROM refund WHERE poll_count > 0",
    "events that took more than one try to settle": "SELECT count(*) FROM inbound_event WHERE tries > 1",
    "events set aside for a person": "SELECT count(*) FROM inbound_event WHERE set_aside_at IS NOT NULL",
    "charges first heard of by a webhook": "SELECT count(*) FROM inbound_event WHERE signal = 'charge_succeeded' AND outcome = 'charged'",
    "mails that took more than one try": "SELECT count(*) FROM message WHERE tries > 1",
    "trials made longer because a notice did not arrive in time": "SELECT count(*) FROM subscription_change WHERE event = 'trial_extended'",
    "comparisons of the books that were put off": "SELECT coalesce(sum(tries), 0) FROM reconciliation",
}


def _rows(session: Session, query: str, **values: object) -> list[Any]:
    return list(session.execute(sa.text(query), values).all())


def _count_states(session: Session, found: Figures) -> None:
    """Count readers by state and day, from the history."""
    query = """SELECT (at AT TIME ZONE :zone)::date AS day, from_state, to_state, count(*) FROM subscription_change
               WHERE from_state IS DISTINCT FROM to_state GROUP BY 1, 2, 3"""
    changes: dict[date, Counter[str]] = defaultdict(Counter)
    for day, before, after, count in _rows(session, query, zone=ZONE.key):
        changes[day][after] += count
        changes[day][before] -= count
    counts: Counter[str] = Counter()
    found.states = {state: [] for state in STATES}
    for day in found.days:
        counts.update(changes[day])
        for state in STATES:
            found.states[state].append(counts[state])
        found.ended.append(counts["ended"])


def _add_money(session: Session, found: Figures) -> None:
    sums = {
        "charged": "SELECT to_char(paid_at AT TIME ZONE :zone, 'YYYY-MM'), sum(amount) FROM payment GROUP BY 1",
        "refunded": "SELECT to_char(settled_at AT TIME ZONE :zone, 'YYYY-MM'), sum(amount) FROM refund WHERE state = 'succeeded' GROUP BY 1",
        "recognised": """SELECT to_char(t."on", 'YYYY-MM'), -sum(e.amount) FROM ledger_entry e JOIN ledger_transaction t
                         ON t.id = e.transaction_id WHERE e.account = 'revenue' AND :zone <> '' GROUP BY 1""",
        "fees": """SELECT to_char(t."on", 'YYYY-MM'), sum(e.amount) FROM ledger_entry e JOIN ledger_transaction t
                   ON t.id = e.transaction_id WHERE e.account = 'gateway_fees' AND :zone <> '' GROUP BY 1""",
    }
    months = sorted({f"{day:%Y-%m}" for day in found.days})
    found.money = {month: dict.fromkeys(sums, 0) for month in months}
    for what, query in sums.items():
        for month, cents in _rows(session, query, zone=ZONE.key):
            found.money.setdefault(month, dict.fromkeys(sums, 0))[what] = int(cents)


def _count_conversion(session: Session, found: Figures) -> None:
    query = """SELECT to_char(started_at AT TIME ZONE :zone, 'YYYY-MM'),
                      count(*) FILTER (WHERE state <> 'trialing'), count(*) FILTER (WHERE period_number > 0),
                      count(*) FILTER (WHERE period_number = 0 AND cancel_asked_at IS NOT NULL)
               FROM subscription GROUP BY 1 ORDER BY 1"""
    for month, over, paid, left in _rows(session, query, zone=ZONE.key):
        found.conversion[month] = (over, paid, left)


def _count_churn(session: Session, found: Figures) -> None:
    query = """SELECT to_char(ended_at AT TIME ZONE :zone, 'YYYY-MM'), count(*) FROM subscription
               WHERE state = 'ended' AND period_number > 0
                 AND EXISTS (SELECT FROM payment p JOIN invoice i ON i.id = p.invoice_id WHERE i.subscription_id = subscription.id
                             AND p.paid_at < date_trunc('month', subscription.ended_at AT TIME ZONE :zone) AT TIME ZONE :zone)
               GROUP BY 1"""
    left = dict(_rows(session, query, zone=ZONE.key))
    for place, day in enumerate(found.days):
        if day.day == 1 and place:
            month = f"{day:%Y-%m}"
            paying = sum(found.states[state][place - 1] for state in PAID)
            found.churn[month] = (paying, left.get(month, 0))


def _count_recovery(session: Session, found: Figures) -> None:
    query = """SELECT i.state, (p.paid_at AT TIME ZONE :zone)::date - i.first_failed_on, count(*) FROM invoice i
               LEFT JOIN payment p ON p.invoice_id = i.id AND NOT p.duplicate
               WHERE i.first_failed_on IS NOT NULL GROUP BY 1, 2"""
    for state, days, count in _rows(session, query, zone=ZONE.key):
        found.failed[state] += count
        if days is not None:
            found.recovered[days] += count


def _end(session: Session, found: Figures) -> dict[str, Any]:
    pairs = "SELECT state, count(*), coalesce(sum({}), 0) FROM {} GROUP BY 1 ORDER BY 1"
    return {
        "subscriptions": dict(
            _rows(session, "SELECT state, count(*) FROM subscription GROUP BY 1 ORDER BY 1")
        ),
        "invoices": {
            state: (n, int(cents)) for state, n, cents in _rows(session, pairs.format("gross", "invoice"))
        },
        "refunds": {
            state: (n, int(cents)) for state, n, cents in _rows(session, pairs.format("amount", "refund"))
        },
        "disputes": {
            state: (n, int(cents)) for state, n, cents in _rows(session, pairs.format("amount", "dispute"))
        },
        "ledger": {
            account: int(cents)
            for account, cents in _rows(
                session, "SELECT account, sum(amount) FROM ledger_entry GROUP BY 1 ORDER BY 1"
            )
        },
        "mails": {kind: states.get("accepted", 0) for kind, states in found.mails.items()},
    }
