"""Retires a newsletter and brings it back. Nothing is deleted: who is on its list stays there, and consents and issues are kept.

Retired, it has no sign-ups and no issues. Its readers see that on their page, and can leave."""

from sqlmodel import col, select

from billing.newsletters.lists import newsletter
from billing.newsletters.models import Issue, IssueState, Newsletter
from billing.platform.context import TransactionContext
from billing.platform.errors import Conflict

UNDER_WAY = (IssueState.SCHEDULED, IssueState.SENDING, IssueState.PAUSED)


class IssueUnderWay(Conflict):
    """An issue of this newsletter is scheduled, being sent or paused. Unschedule it, stop it, or let it be sent first."""

    code = "issue_under_way"


class RetiredAlready(Conflict):
    """This newsletter is retired already."""

    code = "retired_already"


class NotRetired(Conflict):
    """This newsletter isn't retired."""

    code = "not_retired"


def retire(ctx: TransactionContext, newsletter_id: str) -> Newsletter:
    """Take no more sign-ups and issues. Raises UnknownNewsletter, RetiredAlready, IssueUnderWay."""
    # `issues.schedule` locks the same row: of the two at once, the second sees what the first did
    list_ = newsletter(ctx.session, newsletter_id, lock=True)
    if list_.retired_at is not None:
        raise RetiredAlready
    under_way = select(Issue.id).where(Issue.newsletter_id == newsletter_id, col(Issue.state).in_(UNDER_WAY))
    if ctx.session.exec(under_way.limit(1)).first() is not None:
        raise IssueUnderWay
    list_.retired_at = ctx.at
    ctx.session.flush()
    return list_


def restore(ctx: TransactionContext, newsletter_id: str) -> Newsletter:
    """Bring it back to its place on the page, with those who are on its list still. Raises UnknownNewsletter, NotRetired."""
    list_ = newsletter(ctx.session, newsletter_id, lock=True)
    if list_.retired_at is None:
        raise NotRetired
    list_.retired_at = None
    ctx.session.flush()
    return list_
