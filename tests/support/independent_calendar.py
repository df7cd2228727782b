"""A calendar kept beside the engine, from what readers were told and what the sandbox took: no row of ours is believed in it,
but for which refunds are on their way. The calendar's arithmetic is the simulation's: none of `rules` stands in it."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from billing.dev.simulate import dates
from billing.reports.doctor import values
from billing.reports.promises import PROMISES
from tests.support import ledger_checks
from tests.support.world import ZONE, World

MONTHS = {cents: dates.MONTHS[plan] for plan, cents in dates.CENTS.items()}
EXPLAINED = "'dispute', 'fraud_warning', 'refund_failed'"
"""Cases that banks open. Every other kind says that something of ours broke."""
STAFF_IDLE = "requests-to-cancel-are-answered"
"""A promise that only staff can keep: nobody answers requests in these stories."""
BROKEN = " UNION ALL ".join(
    f"SELECT '{each.name}' AS promise, id::text, at_fault FROM ({each.broken}) b"
    for each in PROMISES
    if each.name != STAFF_IDLE
)
CASES = f"""SELECT kind, subject, what FROM staff_case WHERE kind NOT IN ({EXPLAINED}) AND subject NOT LIKE '{STAFF_IDLE}:%'"""
GOES_BACK = """
SELECT p.charge_ref, p.amount - coalesce((SELECT sum(r.amount) FROM refund r WHERE r.payment_id = p.id
    AND (r.state <> 'failed' OR EXISTS (SELECT FROM staff_case c WHERE c.kind = 'refund_failed' AND c.subject = r.id))), 0) AS kept
FROM payment p WHERE NOT EXISTS (SELECT FROM dispute d WHERE d.payment_id = p.id)
"""


@dataclass
class Told:
    """What one subscription's reader knows: when the trial began, and the moment of cancelling."""

    trial_on: date | None = None
    asked_at: datetime | None = None


def keep_promises(world: World) -> None:
    """The doctor finds nothing, in one question; and nobody had to be told of anything, but of a stranger's charge and what of it
    went back."""
    assert world.rows(BROKEN, **values(world.services.site, world.now)) == []
    cases = world.rows(CASES)
    if cases:
        others = ledger_checks.strangers(world)
        strangers = {("unknown_charge", charge_ref) for charge_ref in others}
        strangers |= {
            ("unknown_refund", row["id"]) for row in world.sandbox.refunds() if row["charge"] in others
        }
        assert [row for row in cases if (row["kind"], row["subject"]) not in strangers] == []


def keep_calendar(world: World, told: dict[str, Told]) -> None:
    """The sandbox took nothing in a trial, nothing after a cancellation that it doesn't give back, and no period's price twice."""
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
        keep(charges, kept, told[subscription])


def keep(charges: list[dict[str, Any]], kept: dict[str, int], told: Told) -> None:
    """Of one subscription's charges, oldest first. `kept`: by charge, the cents of a payment of ours that aren't going back."""
    if not charges:
        return
    begun = _day(charges[0])
    paid_months = 0
    for charge in charges:
        if told.trial_on is not None:
            assert _day(charge) >= dates.trial_over(told.trial_on), f"charged in the trial: {charge}"
        if charge["status"] != "succeeded" or kept.get(charge["id"], 1) <= 0:
            continue
        if told.asked_at is not None and charge["id"] in kept:
            assert charge["created"] <= told.asked_at.timestamp(), f"charged after {told.asked_at}: {charge}"
        due = dates.month_later(begun, paid_months)
        assert _day(charge) >= due, f"{paid_months} months are paid, until {due}: {charge}"
        paid_months += MONTHS[charge["amount"]]


def _day(charge: dict[str, Any]) -> date:
    return dates.day_of(datetime.fromtimestamp(charge["created"], UTC))


NOTHING_MISSED = """
SELECT s.id, s.state, s.next_action, s.next_action_at, s.period_end_on, s.charge_on FROM subscription s
WHERE s.state <> 'ended' AND (s.next_action_at IS NULL OR s.next_action_at <= :at OR s.charging_since IS NOT NULL
   OR (s.state = 'active' AND s.cancel_asked_at IS NULL AND s.resumes_on IS NULL AND s.period_end_on < :today)
   OR (s.state = 'trialing' AND s.cancel_asked_at IS NULL AND s.charge_on < :today))
"""


def nothing_is_missed(world: World) -> None:
    """Whoever is to be charged has been; nothing is due and left lying."""
    today = world.now.astimezone(ZONE).date()
    assert world.rows(NOTHING_MISSED, at=world.now, today=today) == []
