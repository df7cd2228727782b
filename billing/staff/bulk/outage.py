"""What is known of a time in which something was broken.

Nothing records who was refused an article, as what a reader opens is kept only as long as the meter needs it (PW-13). So all who
could read in that time are chosen, and who was charged in it is known exactly."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session

MOST_COUNTED = 100_000
"""More rows than this aren't counted on the page."""
_SUBSCRIBED = sa.text(
    "SELECT count(*) FROM (SELECT DISTINCT reader_id FROM subscription"
    " WHERE started_at < :until AND (ended_at IS NULL OR ended_at > :since) LIMIT :most) AS found"
)
_CHARGED = sa.text(
    "SELECT count(*), coalesce(sum(amount), 0) FROM (SELECT amount FROM payment"
    " WHERE paid_at >= :since AND paid_at < :until LIMIT :most) AS found"
)


@dataclass(frozen=True, slots=True)
class KnownOfTime:
    """Readers whose subscription or trial had begun and hadn't ended; charges made, and their sum in cents."""

    subscribed: int
    charges: int
    cents: int


def look(session: Session, since: datetime, until: datetime) -> KnownOfTime:
    """Count, at most `MOST_COUNTED` of each."""
    given = {"since": since, "until": until, "most": MOST_COUNTED}
    connection = session.connection()
    subscribed = connection.execute(_SUBSCRIBED, given).scalar_one()
    charges, cents = connection.execute(_CHARGED, given).one()
    return KnownOfTime(int(subscribed), int(charges), int(cents))
