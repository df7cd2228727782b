"""An issue's progress. The counts by state always add up to the frozen recipients (S10)."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Self

import sqlalchemy as sa
from sqlmodel import Session

from billing.newsletters.models import OPEN, DeliveryState
from billing.platform.partitions import DELIVERIES

FINAL_AFTER = DELIVERIES.keep - timedelta(days=35)
"""How long after its start an issue is counted for good. The last one of a month is at least 59 days old when the month is dropped."""


@dataclass(frozen=True, slots=True)
class Progress:
    """Deliveries by state, by variant, and the skipped by reason; empty counts are left out."""

    recipients: int
    states: dict[DeliveryState, int]
    skipped: dict[str, int]
    variants: dict[str, int]
    is_final: bool = False
    """Whether these are the issue's final counts, and no longer those of its rows."""

    @classmethod
    def of_counts(cls, recipients: int, counts: Mapping[str, Any]) -> Self:
        """The final progress, from an issue's `counts`."""
        states = {DeliveryState(state): count for state, count in counts["states"].items()}
        return cls(recipients, states, counts["skipped"], counts["variants"], is_final=True)

    @property
    def counts(self) -> dict[str, dict[str, int]]:
        """For an issue's `counts`."""
        states = {state.value: count for state, count in self.states.items()}
        return {"states": states, "skipped": dict(self.skipped), "variants": dict(self.variants)}

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
    SELECT coalesce(i.recipients, 0), i.counts, d.state, coalesce(d.reason, ''), d.variant, count(d.number)
    FROM issue i LEFT JOIN delivery d ON i.counts IS NULL AND d.issue_id = i.id AND d.started_at = i.started_at
    WHERE i.id = :issue GROUP BY i.id, d.state, d.reason, d.variant
"""


def progress(session: Session, issue_id: str) -> Progress:
    """The progress of an issue: its final counts where they stand, else those of its rows. One statement, so that concurrent workers
    can't make a recipient count twice or not at all."""
    rows = session.execute(sa.text(_COUNTS), {"issue": issue_id}).all()
    if rows and rows[0].counts is not None:
        return Progress.of_counts(rows[0][0], rows[0].counts)
    states, skipped, variants = Counter[DeliveryState](), Counter[str](), Counter[str]()
    for _, _, state, reason, variant, count in rows:
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
