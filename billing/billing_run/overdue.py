"""Billing runs that don't finish: whatever holds them up, somebody else must be able to say so."""

from datetime import datetime, timedelta

from sqlmodel import Session

from billing.billing_run import run
from billing.platform.db import instant, span
from billing.platform.heartbeat import SILENT_AFTER, late

OVERDUE_AFTER = timedelta(minutes=15)
"""For so long something was due, workers were there, and no billing run finished or got on."""
_SINCE = f"(SELECT greatest(t.run_at, d.due) FROM (SELECT ({run.NEXT_DUE}) AS due) d WHERE d.due IS NOT NULL)"  # noqa: S608
RUN_OVERDUE = f"""SELECT t.run_at FROM worker_heartbeat t
                  WHERE t.at >= :at - {span(SILENT_AFTER)} AND {late(_SINCE, OVERDUE_AFTER, OVERDUE_AFTER)}"""  # noqa: S608
"""When a billing run last finished, where that is an alarm; no row where it isn't. Without any worker the alarm is another."""


def overdue_since(session: Session, at: datetime) -> datetime | None:
    """When a billing run last finished, if that is too long ago for what is due."""
    return instant(session, RUN_OVERDUE, at=at)
