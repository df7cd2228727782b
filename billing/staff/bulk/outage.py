"""What is known of a time in which something was broken.

Nothing records who was refused an article, as what a reader opens is kept only as long as the meter needs it (PW-13). So all who
could read in that time are chosen, and who was charged in it is known exactly."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session

MOST_SUBSCRIBED = 10_000
MOST_CHARGES = 100_000
"""More than these aren't counted on the page."""
_SUBSCRIBED = sa.text(
    "SELECT count(*) FROM (SELECT DISTINCT reader_id FROM subscription"
    " WHERE started_at < :until AND (ended_at IS NULL OR ended_at > :since) LIMIT :most + 1) AS found"
)
_CHARGED = sa.text(
    "SELECT count(*) FILTER (WHERE n <= :most), coalesce(sum(amount) FILTER (WHERE n <= :most), 0), count(*)"
    " FROM (SELECT amount, row_number() OVER () AS n FROM payment"
    " WHERE paid_at >= :since AND paid_at < :until LIMIT :most + 1) AS found"
)


@dataclass(frozen=True, slots=True)
class KnownOfTime:
    """Readers whose subscription or trial had begun and hadn't ended; charges made, and their sum in cents.

    `more_subscribed`, `more_charges`: there are more, which weren't counted."""

    subscribed: int
    charges: int
    cents: int
    more_subscribed: bool
    more_charges: bool


def look(session: Session, since: datetime, until: datetime) -> KnownOfTime:
    """Count, at most `MOST_SUBSCRIBED` and `MOST_CHARGES`."""
    given, connection = {"since": since, "until": until}, session.connection()
    subscribed = connection.execute(_SUBSCRIBED, {**given, "most": MOST_SUBSCRIBED}).scalar_one()
    charges, cents, all_charges = connection.execute(_CHARGED, {**given, "most": MOST_CHARGES}).one()
    return KnownOfTime(
        subscribed=min(int(subscribed), MOST_SUBSCRIBED),
        charges=int(charges),
        cents=int(cents),
        more_subscribed=subscribed > MOST_SUBSCRIBED,
        more_charges=all_charges > charges,
    )
