"""An issue's progress. The counts by state always add up to the frozen recipients (S10)."""

from collections import Counter
from dataclasses import dataclass

import sqlalchemy as sa
from sqlmodel import Session

from billing.newsletters.models import OPEN, DeliveryState


@dataclass(frozen=True, slots=True)
class Progress:
    """Deliveries by state, by variant, and the skipped by reason; empty counts are left out."""

    recipients: int
    states: dict[DeliveryState, int]
    skipped: dict[str, int]
    variants: dict[str, int]

    @property
    def adds_up(self) -> bool:
        """Whether every recipient is counted once."""
        return sum(self.states.values()) == self.recipients

    @property
    def settled(self) -> int:
        """How many need nothing more; uncertain ones wait for a person."""
        waiting = (*OPEN, DeliveryState.UNCERTAIN)
        return self.recipients - sum(self.states.get(state, 0) for state in waiting)


_COUNTS = """
    SELECT coalesce(i.recipients, 0), d.state, coalesce(d.reason, ''), d.variant, count(d.number)
    FROM issue i LEFT JOIN delivery d ON d.issue_id = i.id WHERE i.id = :issue GROUP BY 1, 2, 3, 4
"""


def progress(session: Session, issue_id: str) -> Progress:
    """The progress of an issue. One statement, so that concurrent workers can't make a recipient count twice or not at all."""
    rows = session.execute(sa.text(_COUNTS), {"issue": issue_id}).all()
    states, skipped, variants = Counter[DeliveryState](), Counter[str](), Counter[str]()
    for _, state, reason, variant, count in rows:
        if count:
            states[DeliveryState(state)] += count
            variants[variant] += count
        if reason:
            skipped[reason] += count
    return Progress(rows[0][0] if rows else 0, states, skipped, variants)


def audience_now(session: Session, newsletter_id: str) -> int:
    """How many are on the list now; some of them may be left out at the start."""
    return int(
        session.execute(
            sa.text("SELECT count(*) FROM signup WHERE newsletter_id = :newsletter AND state = 'confirmed'"),
            {"newsletter": newsletter_id},
        ).scalar_one()
    )
