"""Starts an issue at its time: renders it once for each variant, and freezes its recipients in one statement."""

import logging
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlmodel import Session, col, select

from billing.access.entitled import entitled
from billing.mail import suppressions
from billing.newsletters.carry import carrying
from billing.newsletters.compose import Variant, problems
from billing.newsletters.lists import (
    ADDRESS,
    ADDRESS_KEY,
    READER,
    READER_ID,
    may_have,
    newsletter,
    scopes,
    why_not_compared,
)
from billing.newsletters.models import Audience, Issue, IssueBody, IssueState
from billing.newsletters.sender import NewsletterSender
from billing.newsletters.wrap import content_of, with_marks
from billing.platform.actors import WORKER
from billing.platform.context import TransactionContext

GRACE = timedelta(hours=2)
"""An issue that is later than this waits for a person: stale news is of no use (S9)."""
LATE = "It was due while nothing was being sent. Choose a new time."
log = logging.getLogger(__name__)

FREEZE = f"""
    INSERT INTO delivery (issue_id, address_key, started_at, address, signup_id, reader_id, variant, state, tries, next_attempt_at)
    SELECT DISTINCT ON ({ADDRESS_KEY}) :issue, {ADDRESS_KEY}, :at, {ADDRESS}, s.id, {READER_ID},
           CASE WHEN {entitled(READER_ID)} THEN '{Variant.SUBSCRIBER}' ELSE '{Variant.READER}' END, 'frozen', 0, :at
    FROM signup s {READER}
    WHERE s.newsletter_id = :newsletter AND s.state = 'confirmed'
      AND (NOT :subscribers_only OR {may_have(READER_ID, "s.newsletter_id")})
      AND NOT {suppressions.sql(ADDRESS_KEY)}
    ORDER BY {ADDRESS_KEY}, s.reader_id IS NULL, s.id
    ON CONFLICT DO NOTHING
"""  # noqa: S608 - pieces of our own SQL; values are bound
"""A delivery for each address that wants the issue and may have it, with its present variant (S1, S10).

Where a reader and a bare address share an address, ORDER BY puts the reader's signup first: DISTINCT ON keeps that one."""


def start_due(sender: NewsletterSender, at: datetime) -> int:
    """Start issues scheduled until `at`. Returns how many were handled. Any number of workers may call it."""
    seen = 0
    while _start_one(sender, at):
        seen += 1
    return seen


def _start_one(sender: NewsletterSender, at: datetime) -> bool:
    with sender.database.begin(sender.site, at, WORKER) as ctx:
        issue = ctx.session.exec(
            select(Issue)
            .where(Issue.state == IssueState.SCHEDULED, col(Issue.scheduled_at) <= at)
            .order_by(col(Issue.scheduled_at), col(Issue.id))
            .limit(1)
            .with_for_update(skip_locked=True)
        ).first()
        if issue is None:
            return False
        if issue.scheduled_at is not None and at - issue.scheduled_at > GRACE:
            _hold(issue, LATE)
        else:
            begin(ctx, sender, issue)
        return True


def begin(ctx: TransactionContext, sender: NewsletterSender, issue: Issue) -> None:
    """Freeze content and recipients, and let workers send the issue. One with problems returns to its editor."""
    sender.publisher.refresh(ctx.session)
    list_ = newsletter(ctx.session, issue.newsletter_id)
    words = carrying(content_of(issue, list_), issue.id, ctx.site.public_url)
    found = problems(words, sender.house, sender.language)
    # checked again: the issue may have been scheduled a year ago
    if reason := why_not_compared(list_, ctx.at):
        found.append(f"{reason} Compare it, then choose a new time.")
    if found:
        _hold(issue, " ".join(found)[:500])
        return
    for variant in Variant:
        body = with_marks(words, variant, sender.house, sender.language)
        ctx.session.add(IssueBody(issue_id=issue.id, variant=variant.value, text=body.text, html=body.html))
    ctx.session.flush()
    issue.recipients = freeze(ctx, issue, list_.audience is Audience.SUBSCRIBERS)
    issue.state, issue.started_at, issue.held_reason = IssueState.SENDING, ctx.at, None
    log.info("issue %s of %s starts, for %s recipients", issue.id, list_.id, issue.recipients)


def freeze(ctx: TransactionContext, issue: Issue, subscribers_only: bool) -> int:
    """Insert a delivery for each recipient. Returns how many. A second call inserts none."""
    done = ctx.session.connection().execute(
        sa.text(FREEZE),
        {
            "issue": issue.id,
            "newsletter": issue.newsletter_id,
            "subscribers_only": subscribers_only,
            "scopes": scopes(issue.newsletter_id),
            "salt": suppressions.salt(ctx.site.tokens),
            "zone": ctx.zone.key,
            "at": ctx.at,
        },
    )
    return done.rowcount


def _hold(issue: Issue, reason: str) -> None:
    issue.state, issue.scheduled_at, issue.held_reason = IssueState.DRAFT, None, reason


NEXT_DUE = "SELECT min(scheduled_at) FROM issue WHERE state = 'scheduled'"
"""When the next issue starts (see `timetable.Job`)."""


def next_words(session: Session) -> str:
    """The next issue, in words."""
    issue = session.exec(
        select(Issue)
        .where(Issue.state == IssueState.SCHEDULED)
        .order_by(col(Issue.scheduled_at), col(Issue.id))
        .limit(1)
    ).first()
    return f"the newsletter “{issue.subject}” starts" if issue else "nothing"
