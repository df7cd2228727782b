"""The acts of editors on an issue: save, schedule, unschedule, pause, resume, stop."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlmodel import Session, col, select

import emails
from billing.newsletters.claim import SKIP_STOPPED
from billing.newsletters.compose import BadIssue, IssueCard, one_line, problems
from billing.newsletters.lists import newsletter, why_not_compared
from billing.newsletters.models import Issue, IssueState, Newsletter
from billing.newsletters.wrap import content_of
from billing.platform import ids
from billing.platform.context import TransactionContext
from billing.platform.errors import Conflict, Invalid, NotFound
from billing.platform.storable import storable
from emails.languages import Language

LONGEST_SOURCE = 50_000
FARTHEST = timedelta(days=366)
UNSTARTED = (IssueState.DRAFT, IssueState.SCHEDULED)


class UnknownIssue(NotFound):
    """There is no such issue."""

    code = "unknown_issue"


class SavedMeanwhile(Conflict):
    """Somebody else has saved this issue since you opened it. Your words are below; open the issue again to see theirs."""

    code = "saved_meanwhile"
    title = "Somebody else was faster"


class HasStarted(Conflict):
    """This issue has started: its words and its recipients are fixed."""

    code = "has_started"


class NotNow(Conflict):
    """That can't be done to this issue now; reload the page to see how it stands."""

    code = "not_now"


class NoMoreIssues(Conflict):
    """This newsletter is retired, so no issue of it is written or sent. Bring the newsletter back first."""

    code = "newsletter_retired"


class BadStartTime(Invalid):
    """Choose a moment from now on, within a year."""

    code = "bad_moment"


class TooLong(Invalid):
    """The text is longer than we keep."""

    code = "too_long"


def issues(session: Session, limit: int = 100) -> list[tuple[Issue, Newsletter]]:
    """The latest changed issues, with their newsletters."""
    rows = session.exec(
        select(Issue, Newsletter)
        .join(Newsletter, col(Newsletter.id) == Issue.newsletter_id)
        .order_by(col(Issue.changed_at).desc(), col(Issue.id).desc())
        .limit(limit)
    )
    return list(rows)


def issue(session: Session, issue_id: str, *, lock: bool = False) -> Issue:
    """The issue with this id. Raises UnknownIssue."""
    found = session.get(Issue, issue_id, with_for_update=lock or None)
    if found is None:
        raise UnknownIssue
    return found


def create(ctx: TransactionContext, newsletter_id: str) -> Issue:
    """Create an empty draft. Raises UnknownNewsletter, NoMoreIssues."""
    _require_published(ctx, newsletter_id)
    made = Issue(
        id=ids.new("iss", ctx.at),
        newsletter_id=newsletter_id,
        state=IssueState.DRAFT,
        subject="",
        preheader="",
        source="",
        cards={},
        author=str(ctx.actor),
        created_at=ctx.at,
        changed_at=ctx.at,
        changed_by=str(ctx.actor),
    )
    ctx.session.add(made)
    ctx.session.flush()
    return made


def save(
    ctx: TransactionContext,
    issue_id: str,
    *,
    version: int,
    subject: str,
    preheader: str,
    source: str,
    cards: Mapping[str, IssueCard],
) -> Issue:
    """Save an edit of this version, finished or not, until the issue starts.

    Raises SavedMeanwhile, HasStarted, BadSubject, TooLong."""
    found = issue(ctx.session, issue_id, lock=True)
    if found.state not in UNSTARTED:
        raise HasStarted
    if found.version != version:
        raise SavedMeanwhile
    if len(source) > LONGEST_SOURCE or not storable(source):
        raise TooLong(f"The text has {len(source)} characters; {LONGEST_SOURCE} are kept.")
    found.subject, found.preheader = one_line(subject)[:300], one_line(preheader)[:300]
    found.source = source.replace("\r\n", "\n")
    found.cards = {name: asdict(card) for name, card in cards.items()}
    found.version, found.changed_at, found.changed_by = version + 1, ctx.at, str(ctx.actor)
    ctx.session.flush()
    return found


def check(session: Session, found: Issue, house: emails.House, language: Language) -> list[str]:
    """The problems that keep the issue from being sent, in words. `language` is that of its frame."""
    return problems(content_of(found, newsletter(session, found.newsletter_id)), house, language)


def schedule(ctx: TransactionContext, issue_id: str, when: datetime, house: emails.House) -> Issue:
    """Schedule the issue for `when`, or for now if that has just passed. Raises BadIssue, BadStartTime, HasStarted,
    NoMoreIssues."""
    found = issue(ctx.session, issue_id, lock=True)
    if found.state not in UNSTARTED:
        raise HasStarted
    if not ctx.at - timedelta(minutes=1) <= when <= ctx.at + FARTHEST:
        raise BadStartTime
    _require_published(ctx, found.newsletter_id)
    if wrong := check(ctx.session, found, house, ctx.site.languages.default):
        raise BadIssue(" ".join(wrong))
    _require_comparison(ctx, found)
    found.state, found.scheduled_at, found.held_reason = IssueState.SCHEDULED, max(when, ctx.at), None
    found.changed_at, found.changed_by = ctx.at, str(ctx.actor)
    return found


def _require_published(ctx: TransactionContext, newsletter_id: str) -> None:
    """Locked, so that the newsletter isn't retired before the issue is scheduled (see `retire`)."""
    if newsletter(ctx.session, newsletter_id, lock=True).retired_at is not None:
        raise NoMoreIssues


def _require_comparison(ctx: TransactionContext, found: Issue) -> None:
    if wrong := why_not_compared(newsletter(ctx.session, found.newsletter_id), ctx.at):
        raise BadIssue(wrong)


def unschedule(ctx: TransactionContext, issue_id: str) -> Issue:
    """Make it a draft again. Raises NotNow when it isn't scheduled (any more)."""
    found = _transition(ctx, issue_id, (IssueState.SCHEDULED,), IssueState.DRAFT)
    found.scheduled_at = None
    return found


def pause(ctx: TransactionContext, issue_id: str) -> Issue:
    """Stop claiming deliveries for now; claimed ones are finished. Raises NotNow."""
    found = _transition(ctx, issue_id, (IssueState.SENDING,), IssueState.PAUSED)
    found.held_reason = "Paused by the editors."
    return found


def resume(ctx: TransactionContext, issue_id: str) -> Issue:
    """Continue with open deliveries. Raises NotNow; and BadIssue, as a pause may outlast the comparison with the register."""
    found = _transition(ctx, issue_id, (IssueState.PAUSED,), IssueState.SENDING)
    _require_comparison(ctx, found)
    found.held_reason, found.resume_at, found.stalls = None, None, 0
    return found


def stop(ctx: TransactionContext, issue_id: str) -> Issue:
    """Stop for good, and skip open deliveries. Raises NotNow."""
    found = _transition(ctx, issue_id, (IssueState.SENDING, IssueState.PAUSED), IssueState.STOPPED)
    found.finished_at = ctx.at
    skip = {"issue": issue_id, "started_at": found.started_at, "at": ctx.at}
    ctx.session.execute(SKIP_STOPPED, skip)
    return found


def send_held(ctx: TransactionContext, issue_id: str) -> int:
    """Send uncertain deliveries again, as a person decided (S3). Returns how many. Raises BadIssue, NoMoreIssues;
    and NotNow, also once its counts are final."""
    found = issue(ctx.session, issue_id, lock=True)
    if (
        found.state not in (IssueState.SENDING, IssueState.PAUSED, IssueState.SENT)
        or found.counts is not None
    ):
        raise NotNow
    _require_published(ctx, found.newsletter_id)
    _require_comparison(ctx, found)
    done = ctx.session.connection().execute(
        sa.text(
            "UPDATE delivery SET state = 'frozen', next_attempt_at = :at, settled_at = NULL, last_answer = :reason"
            " WHERE issue_id = :issue AND started_at = :started_at AND state = 'uncertain'"
        ),
        {
            "issue": issue_id,
            "started_at": found.started_at,
            "at": ctx.at,
            "reason": f"was uncertain; sent again by {ctx.actor}",
        },
    )
    if done.rowcount and found.state is IssueState.SENT:
        found.state, found.finished_at = IssueState.SENDING, None
    return done.rowcount


def _transition(
    ctx: TransactionContext, issue_id: str, states: tuple[IssueState, ...], to: IssueState
) -> Issue:
    found = issue(ctx.session, issue_id, lock=True)
    if found.state not in states:
        raise NotNow
    found.state, found.changed_at, found.changed_by = to, ctx.at, str(ctx.actor)
    return found
