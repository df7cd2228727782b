"""Billing runs that don't finish. A hanging worker can't report itself, so other processes check."""

from datetime import datetime, timedelta

from sqlmodel import Session

from billing.billing_run import run
from billing.platform.db import instant, span
from billing.platform.heartbeat import SILENT_AFTER, late

OVERDUE_AFTER = timedelta(minutes=15)
"""The alarm rises when for this long something was due, a worker was alive, and no run finished or progressed."""
_SINCE = f"(SELECT greatest(t.run_at, d.due) FROM (SELECT ({run.NEXT_DUE}) AS due) d WHERE d.due IS NOT NULL)"  # noqa: S608
RUN_OVERDUE = f"""SELECT t.run_at FROM worker_heartbeat t
                  WHERE t.at >= :at - {span(SILENT_AFTER)} AND {late(_SINCE, OVERDUE_AFTER, OVERDUE_AFTER)}"""  # noqa: S608
"""When a billing run last finished, where that is an alarm; else no row. Without any worker another alarm rises."""


def overdue_since(session: Session, at: datetime) -> datetime | None:
    """When a billing run last finished, if that is too long ago for what is due."""
    return instant(session, RUN_OVERDUE, at=at)
