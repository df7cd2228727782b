"""Disputes by the month in which they were opened, and by card scheme: won, lost, open, and their share of the charges."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlmodel import Session

from billing.acquirer.balance_port import DisputeState
from billing.reports.numbers.schemes import THRESHOLDS
from billing.rules.periods import add_months, start_of_day

ALARM = 0.005
"""The share of charges at which to act (DIS-1)."""
EXCESSIVE = THRESHOLDS["visa"].basis_points / 10_000
"""The share at which Visa's monitoring programme calls a merchant excessive (DIS-1)."""

_DISPUTES = sa.text(
    """
    SELECT date_trunc('month', d.opened_at AT TIME ZONE :zone)::date, m.brand, d.inquiry, d.state, count(*), sum(d.amount)
    FROM dispute d JOIN payment p ON p.id = d.payment_id JOIN attempt a ON a.id = p.attempt_id
        JOIN payment_method m ON m.id = a.payment_method_id
    WHERE d.opened_at >= :since AND d.opened_at < :until
    GROUP BY 1, 2, 3, 4
    """
)
_CHARGES = sa.text("SELECT count(*) FROM payment WHERE paid_at >= :since AND paid_at < :until")


@dataclass(slots=True)
class DisputeCount:
    """Disputes of a month or a card scheme. An inquiry takes no money, and is counted apart. Cents of chargebacks."""

    opened: int = 0
    inquiries: int = 0
    won: int = 0
    lost: int = 0
    cents_lost: int = 0
    cents_open: int = 0

    @property
    def undecided(self) -> int:
        """Chargebacks that the bank has yet to decide."""
        return self.opened - self.won - self.lost

    @property
    def share_won(self) -> float | None:
        """Won, of those that are decided; None while none is."""
        decided = self.won + self.lost
        return self.won / decided if decided else None

    def add(self, state: DisputeState, count: int, cents: int, *, inquiry: bool) -> None:
        """Count disputes in one state."""
        if inquiry:
            self.inquiries += count
            return
        self.opened += count
        if state is DisputeState.WON:
            self.won += count
        elif state is DisputeState.LOST:
            self.lost += count
            self.cents_lost += cents
        else:
            self.cents_open += cents


@dataclass(slots=True)
class MonthOfDisputes(DisputeCount):
    """A month, with the number of its charges."""

    month: date = date.min
    charges: int = 0

    @property
    def rate(self) -> float | None:
        """Chargebacks opened in the month, of its charges; None without charges."""
        return self.opened / self.charges if self.charges else None


@dataclass(slots=True)
class DisputeCounts:
    """The months, the newest first, and the card schemes over all of them, by the acquirer's name of the scheme."""

    months: list[MonthOfDisputes]
    schemes: dict[str, DisputeCount] = field(default_factory=dict)


def count(session: Session, today: date, zone: ZoneInfo, *, months: int = 6) -> DisputeCounts:
    """Of the months up to the present one."""
    this_month = today.replace(day=1)
    firsts = [add_months(this_month, -back) for back in range(months)]
    found = {first: MonthOfDisputes(month=first) for first in firsts}
    schemes: defaultdict[str, DisputeCount] = defaultdict(DisputeCount)
    span = {"since": start_of_day(firsts[-1], zone), "until": start_of_day(add_months(this_month, 1), zone)}
    for month, brand, inquiry, state, number, cents in session.execute(_DISPUTES, span | {"zone": zone.key}):
        for counted in (found[month], schemes[brand]):
            counted.add(DisputeState(state), int(number), int(cents), inquiry=inquiry)
    for first, counted in found.items():
        of_month = {"since": start_of_day(first, zone), "until": start_of_day(add_months(first, 1), zone)}
        counted.charges = int(session.execute(_CHARGES, of_month).scalar_one())
    return DisputeCounts(list(found.values()), dict(sorted(schemes.items())))
