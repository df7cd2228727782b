"""A calendar that is independent of the engine: it uses only what readers know and what the sandbox charged.

From the product's rows it takes only which refunds are under way. Its date arithmetic is the simulation's, never `rules`."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

from billing.dev.simulate import dates
from billing.reports.doctor import values
from billing.reports.promises import PROMISES
from tests.support import ledger_checks
from tests.support.world import ZONE, World

MONTHS = {cents: dates.MONTHS[plan] for plan, cents in dates.CENTS.items()}
EXPLAINED = "'dispute', 'fraud_warning', 'refund_failed'"
"""Cases that banks cause. Every other kind means that the product is broken."""
STAFF_IDLE = "requests-to-cancel-are-answered"
"""A promise that only staff can keep; these stories have no staff."""
BROKEN = " UNION ALL ".join(
    f"SELECT '{promise.name}' AS promise, id::text, at_fault FROM ({promise.broken}) b"
    for promise in PROMISES
    if promise.name != STAFF_IDLE
)
CASES = f"""SELECT kind, subject, what FROM staff_case WHERE kind NOT IN ({EXPLAINED}) AND subject NOT LIKE '{STAFF_IDLE}:%'"""
GOES_BACK = """
SELECT p.charge_ref, p.amount - coalesce((SELECT sum(r.amount) FROM refund r WHERE r.payment_id = p.id
    AND (r.state <> 'failed' OR EXISTS (SELECT FROM staff_case c WHERE c.kind = 'refund_failed' AND c.subject = r.id))), 0) AS kept
FROM payment p WHERE NOT EXISTS (SELECT FROM dispute d WHERE d.payment_id = p.id)
"""


@dataclass
class ReaderKnowledge:
    """What the reader of one subscription knows: the trial's first day, the instant of the cancellation, and each day of the month
    chosen for the charges, with the instant of the choice."""

    trial_on: date | None = None
    cancelled_at: datetime | None = None
    chosen: list[tuple[datetime, str]] = field(default_factory=list)


def assert_promises_kept(world: World) -> None:
    """Assert in one query that the doctor finds nothing. The only cases allowed are charges that others made at Stripe, and refunds
    of those."""
    assert world.rows(BROKEN, **values(world.services.site, world.now)) == []
    cases = world.rows(CASES)
    if cases:
        foreign = ledger_checks.foreign_charges(world)
        allowed = {("unknown_charge", charge_ref) for charge_ref in foreign}
        allowed |= {
            ("unknown_refund", row["id"]) for row in world.sandbox.refunds() if row["charge"] in foreign
        }
        assert [row for row in cases if (row["kind"], row["subject"]) not in allowed] == []


def assert_calendar_kept(world: World, known: dict[str, ReaderKnowledge]) -> None:
    """Assert that the sandbox took nothing in a trial, kept nothing after a cancellation, and charged no period twice."""
    taken = world.sandbox.charges()
    if not taken:
        return
    kept = {row["charge_ref"]: row["kept"] for row in world.rows(GOES_BACK)}
    owner = {
        row["id"]: row["subscription_id"] for row in world.rows("SELECT id, subscription_id FROM attempt")
    }
    by_subscription: dict[str, list[dict[str, Any]]] = {}
    for charge in reversed(taken):
        by_subscription.setdefault(owner[charge["metadata"]["attempt"]], []).append(charge)
    for subscription, charges in by_subscription.items():
        check_charges(charges, kept, known[subscription])


def check_charges(charges: list[dict[str, Any]], kept: dict[str, int], known: ReaderKnowledge) -> None:
    """Check one subscription's charges, oldest first. `kept`: by charge, the cents of its payment that are not being refunded."""
    if not charges:
        return
    begun, paid_months, chosen = _day(charges[0]), 0, list(known.chosen)
    for charge in charges:
        if known.trial_on is not None:
            assert _day(charge) >= dates.trial_over(known.trial_on), f"charged in the trial: {charge}"
        if charge["status"] != "succeeded" or kept.get(charge["id"], 1) <= 0:
            continue
        if known.cancelled_at is not None and charge["id"] in kept:
            after = f"charged after {known.cancelled_at}: {charge}"
            assert charge["created"] <= known.cancelled_at.timestamp(), after
        due = dates.month_later(begun, paid_months)
        while chosen and chosen[0][0].timestamp() < charge["created"]:
            _, day = chosen.pop(0)
            due = dates.day_from(due, day)
            begun, paid_months = _anchor(due, day)
        assert _day(charge) >= due, f"{paid_months} months are paid, until {due}: {charge}"
        paid_months += MONTHS[charge["amount"]]


def _anchor(due: date, day: str) -> tuple[date, int]:
    """What the periods from `due` are counted from, and the months to there: a last day counts from a month with a 31st."""
    return (date(due.year - 1, 12, 31), due.month) if day == "last" else (due, 0)


def _day(charge: dict[str, Any]) -> date:
    return dates.day_of(datetime.fromtimestamp(charge["created"], UTC))


NOTHING_MISSED = """
SELECT s.id, s.state, s.next_action, s.next_action_at, s.period_end_on, s.charge_on FROM subscription s
WHERE s.state <> 'ended' AND (s.next_action_at IS NULL OR s.next_action_at <= :at OR s.charging_since IS NOT NULL
   OR (s.cancel_asked_at IS NULL AND NOT (coalesce(s.held_until > :today, false) AND EXISTS (
         SELECT FROM reader_request r WHERE r.subscription_id = s.id AND r.kind = 'cancel' AND r.closed_at IS NULL))
       AND ((s.state = 'active' AND s.resumes_on IS NULL AND s.period_end_on < :today)
            OR (s.state = 'trialing' AND s.charge_on < :today))))
"""
"""A charge that is held for an open request to cancel waits for its answer, so it isn't missed."""


def nothing_is_missed(world: World) -> None:
    """Assert that every due charge was made and that no due work is left."""
    today = world.now.astimezone(ZONE).date()
    assert world.rows(NOTHING_MISSED, at=world.now, today=today) == []
