"""Retention of reading history: meters for 40 days from their month, openings of gifts for 40 days after its end (PW-13)."""

from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session

from billing.access import meter
from billing.platform.db import Database, span

_DELETE_OPENINGS = sa.text(
    "DELETE FROM gift_reading USING gift WHERE gift.id = gift_id AND gift.until <= :before"
)


def delete_old_readings(database: Database, at: datetime) -> int:
    """Delete what is older; how many rows."""
    with database.transaction() as session:
        openings = session.connection().execute(_DELETE_OPENINGS, {"before": at - meter.KEPT}).rowcount
        return openings + meter.delete_old_months(session, at)


NEXT_DUE = f"""SELECT least(({meter.NEXT_DUE}),
                            (SELECT min(until) + {span(meter.KEPT)} FROM gift
                             WHERE EXISTS (SELECT FROM gift_reading WHERE gift_id = gift.id)))"""  # noqa: S608
"""When the oldest row is due for deletion (see `timetable.Job`)."""


def next_words(_session: Session) -> str:
    """For people."""
    return "counts of what was read are forgotten"
