"""Counts past issues for good, so that their deliveries may be dropped with their month (see `platform.partitions`)."""

import logging
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session, col, select

from billing.newsletters.models import Issue, IssueState
from billing.newsletters.progress import FINAL_AFTER, progress
from billing.platform.actors import WORKER
from billing.platform.context import TransactionContext
from billing.platform.db import Database, span
from billing.platform.site import Site

UNFINISHED = (IssueState.SENDING, IssueState.PAUSED)
TOO_OLD = f"It was not finished within {FINAL_AFTER.days} days, so it was stopped for good."
log = logging.getLogger(__name__)

_CLOSE = """
    UPDATE delivery SET state = CASE state WHEN 'sending' THEN 'uncertain' ELSE 'skipped' END,
        reason = CASE state WHEN 'sending' THEN NULL ELSE 'stopped' END, claimed_by = NULL, settled_at = :at
    WHERE issue_id = :issue AND started_at = :started_at AND state IN ('frozen', 'sending', 'deferred')
"""
"""One statement: a delivery that a worker claims or records meanwhile is waited for, and closed by its new state."""


def count_past(database: Database, site: Site, at: datetime) -> int:
    """Count issues that started `FINAL_AFTER` or longer ago. Returns how many. Any number of workers may call it.

    One that is still unfinished is stopped: its words are weeks old. What a worker has claimed counts as uncertain."""
    done = 0
    while _count_one(database, site, at):
        done += 1
    return done


def _count_one(database: Database, site: Site, at: datetime) -> bool:
    with database.begin(site, at, WORKER) as ctx:
        issue = ctx.session.exec(
            select(Issue)
            .where(col(Issue.counts).is_(None), col(Issue.started_at) <= at - FINAL_AFTER)
            .order_by(col(Issue.started_at), col(Issue.id))
            .limit(1)
            .with_for_update(skip_locked=True)
        ).first()
        if issue is None:
            return False
        _close(ctx, issue)
        issue.counts = progress(ctx.session, issue.id).counts
        return True


def _close(ctx: TransactionContext, issue: Issue) -> None:
    if issue.state in UNFINISHED:
        log.warning("issue %s is stopped, as it was not finished in time", issue.id)
        issue.state, issue.held_reason, issue.finished_at = IssueState.STOPPED, TOO_OLD, ctx.at
        issue.changed_at, issue.changed_by = ctx.at, str(ctx.actor)
    ctx.session.execute(sa.text(_CLOSE), {"issue": issue.id, "started_at": issue.started_at, "at": ctx.at})


NEXT_DUE = (
    f"SELECT min(started_at) + {span(FINAL_AFTER)} FROM issue WHERE counts IS NULL AND started_at IS NOT NULL"  # noqa: S608
)
"""When the next issue is counted for good (see `timetable.Job`)."""


def next_words(_: Session) -> str:
    """For people."""
    return "a past newsletter is counted for good"
