"""Newsletters and articles on the first page: today's issues, sign-ups of the week, what is open, the articles that sold, and the newest."""

from datetime import timedelta

import sqlalchemy as sa
from sqlmodel import col, select

from billing.access import articles, public_windows
from billing.access.models import Scope
from billing.newsletters.models import Issue, IssueState, Newsletter
from billing.platform.context import TransactionContext
from billing.reports import article_starts
from billing.rules.asked import LEVEL_WORDS
from billing.rules.periods import start_of_day
from billing.staff import article_list
from billing.staff.editing import named
from billing.staff.home.lines import LISTED, HomeLine, HomePart

NEWSLETTERS = "/staff/newsletters"
ARTICLES = "/staff/articles"
A_WEEK = timedelta(days=7)
NEWEST, SOLD = 5, 5
MOST_SIGNUPS = 10_000
"""Changes of sign-ups are counted up to here."""
_WORDS = {
    IssueState.SCHEDULED: "is scheduled",
    IssueState.SENDING: "is being sent",
    IssueState.PAUSED: "is paused",
    IssueState.SENT: "was sent",
    IssueState.STOPPED: "was stopped",
}
_SIGNUPS = sa.text(
    f"""SELECT n.name, count(*) FILTER (WHERE c.to_state = 'confirmed'), count(*) FILTER (WHERE c.to_state = 'left')
        FROM (SELECT newsletter_id, to_state FROM signup_change WHERE at > :since ORDER BY at DESC LIMIT {MOST_SIGNUPS}) c
        JOIN newsletter n ON n.id = c.newsletter_id
        WHERE c.to_state IN ('confirmed', 'left') GROUP BY n.id, n.name, n.position ORDER BY n.position"""  # noqa: S608
)


def newsletters_part(ctx: TransactionContext, *, short: bool) -> HomePart:
    """Today's issues and the sign-ups of the last seven days; `short` leaves the sign-ups out."""
    lines = (*_issues(ctx), *(() if short else _signups(ctx)))
    nothing = "No issue goes out today."
    return HomePart(name="newsletters", title="Newsletters", nothing=nothing, lines=lines)


def _issues(ctx: TransactionContext) -> tuple[HomeLine, ...]:
    """What is scheduled until midnight, and what has started since the last one."""
    today = start_of_day(ctx.today, ctx.zone)
    tomorrow = start_of_day(ctx.today + timedelta(days=1), ctx.zone)
    scheduled = (col(Issue.state) == IssueState.SCHEDULED, col(Issue.scheduled_at) < tomorrow)
    rows = ctx.session.exec(
        select(Issue, Newsletter)
        .join(Newsletter, col(Newsletter.id) == Issue.newsletter_id)
        .where(sa.or_(sa.and_(*scheduled), col(Issue.started_at) >= today))
        .order_by(sa.func.coalesce(Issue.scheduled_at, Issue.started_at), col(Issue.id))
        .limit(LISTED)
    )
    return tuple(_issue(issue, newsletter) for issue, newsletter in rows)


def _issue(issue: Issue, newsletter: Newsletter) -> HomeLine:
    recipients = f", {issue.recipients} recipients" if issue.recipients is not None else ""
    return HomeLine(
        what=issue.subject or "An issue without a subject",
        link=f"{NEWSLETTERS}/{issue.id}",
        note=f"{newsletter.name} {_WORDS[issue.state]}{recipients}",
        before_at="for" if issue.state is IssueState.SCHEDULED else "since",
        at=issue.scheduled_at if issue.state is IssueState.SCHEDULED else issue.started_at,
        urgent=issue.held_reason is not None,
    )


def _signups(ctx: TransactionContext) -> tuple[HomeLine, ...]:
    rows = ctx.session.execute(_SIGNUPS, {"since": ctx.at - A_WEEK})
    return tuple(
        HomeLine(what=name, link=NEWSLETTERS, note=f"{came} signed up and {left} left in the last seven days")
        for name, came, left in rows
    )


def articles_part(ctx: TransactionContext, *, short: bool) -> HomePart:
    """What is open to everyone, the articles that sold in the last seven days, and the newest with what they ask; `short` leaves
    all articles out."""
    windows = public_windows.open_at(ctx)[:LISTED]
    lines = [
        HomeLine(
            what=f"Open to everyone: {named(window.scope, window.subject)}",
            link=ARTICLES,
            note=window.reason,
            before_at="until",
            at=window.until,
            urgent=window.scope is Scope.SITE,
        )
        for window in windows
    ]
    if not short:
        lines += [_sold(row) for row in article_starts.sold_since(ctx.session, ctx.at - A_WEEK, SOLD)]
        newest = article_list.rows_of(ctx, articles.newest(ctx.session, NEWEST))
        lines += [_article(row) for row in newest]
    nothing = "Nothing is open to everyone out of turn."
    return HomePart(name="articles", title="Articles", nothing=nothing, lines=tuple(lines))


def _sold(row: article_starts.SoldArticle) -> HomeLine:
    return HomeLine(
        what=row.title,
        link=f"{ARTICLES}/{row.article_id}/access",
        note=f"led to {row.starts.words} in the last seven days",
    )


def _article(row: article_list.ArticleRow) -> HomeLine:
    opened = f"; gifts of it were opened {row.opened} times" if row.opened else ""
    return HomeLine(
        what=row.article.title,
        link=f"{ARTICLES}/{row.article.id}/access",
        note=f"{LEVEL_WORDS[row.asked.level]}: {row.asked.because.words}{opened}",
        before_at="published",
        at=row.article.published_at,
    )
