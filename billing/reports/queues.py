"""How many of each kind wait for a worker, and since when. Bounded: what waits may be a month's charges, or a newsletter's readers."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session

from billing.mail.models import URGENT

MOST = 10_000
"""A queue is counted up to here. Its oldest is then the oldest of those that are due first."""
_CHARGES = "SELECT intended_at FROM attempt WHERE state = 'open' AND NOT hosted"
_MAIL = "SELECT created_at FROM message WHERE state = 'queued' AND"
QUEUES = {
    "subscriptions": "SELECT next_action_at FROM subscription WHERE next_action_at <= :at ORDER BY next_action_at",
    "charges": f"{_CHARGES} ORDER BY next_poll_at",
    "charges_in_doubt": f"{_CHARGES} AND doubt IS NOT NULL ORDER BY next_poll_at",
    "refunds": "SELECT created_at FROM refund WHERE state = 'intended' AND awaiting_balance_since IS NULL ORDER BY next_poll_at",
    "refunds_pending": "SELECT created_at FROM refund WHERE state = 'pending' ORDER BY next_poll_at",
    "refunds_awaiting_balance": """SELECT awaiting_balance_since FROM refund WHERE awaiting_balance_since IS NOT NULL
                                   ORDER BY awaiting_balance_since""",
    "mail": f"{_MAIL} NOT {URGENT} ORDER BY next_attempt_at, id",
    "sign_in_mail": f"{_MAIL} {URGENT} ORDER BY next_attempt_at, id",
    "events": """SELECT received_at FROM inbound_event WHERE settled_at IS NULL AND set_aside_at IS NULL
                 ORDER BY next_attempt_at""",
    "events_set_aside": "SELECT set_aside_at FROM inbound_event WHERE set_aside_at IS NOT NULL ORDER BY set_aside_at",
    "newsletters": f"""SELECT i.started_at FROM issue i CROSS JOIN LATERAL (
                       SELECT FROM delivery d WHERE d.issue_id = i.id AND d.started_at = i.started_at
                       AND d.state IN ('frozen', 'sending', 'deferred')
                       ORDER BY d.next_attempt_at, d.number LIMIT {MOST}) open WHERE i.state = 'sending'""",  # noqa: S608
}
"""A query for each queue: since when each of its rows waits, the first due first. Each has an index of what waits.

`subscriptions`: something is due, such as a notice or a charge. `charges`: intended and not answered, without hosted pages.
`refunds_pending`: the acquirer has them. `newsletters`: recipients of issues that are being sent."""


@dataclass(frozen=True, slots=True)
class QueueLength:
    """How many wait, `MOST` at most, and since when the oldest does."""

    length: int
    oldest: datetime | None

    def age_seconds(self, at: datetime) -> float:
        """How long the oldest has waited; 0 where none waits."""
        return max(0.0, (at - self.oldest).total_seconds()) if self.oldest is not None else 0.0


_LENGTHS = sa.text(
    " UNION ALL ".join(
        f"SELECT '{name}', count(*), min(since) FROM ({query} LIMIT {MOST}) waiting (since)"  # noqa: S608 - of our own
        for name, query in QUEUES.items()
    )
)


# Where statistics lag behind a morning's burst, the planner expects a few rows: it would read and sort all, in place of the first by index.
_IN_ORDER = sa.text("SET LOCAL enable_sort = off")


def queue_lengths(session: Session, at: datetime) -> dict[str, QueueLength]:
    """Every queue by its name, in one statement. Until its end the transaction sorts nothing that an index has in order."""
    session.execute(_IN_ORDER)
    return {
        name: QueueLength(length, oldest) for name, length, oldest in session.execute(_LENGTHS, {"at": at})
    }
