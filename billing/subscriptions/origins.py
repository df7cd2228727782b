"""Records where a start came from, first party only: the article and the newsletter issue that its reader came by."""

from dataclasses import dataclass

from billing.platform.context import TransactionContext
from billing.rules.lifecycle import State
from billing.subscriptions.models import Subscription
from billing.subscriptions.origin_models import StartOrigin


@dataclass(frozen=True, slots=True)
class CameFrom:
    """An article with its section at that time, a newsletter issue, or both."""

    article_id: str | None = None
    section: str | None = None
    issue_id: str | None = None

    @property
    def is_known(self) -> bool:
        """Whether it names anything."""
        return self.article_id is not None or self.issue_id is not None


NOWHERE = CameFrom()


def record(ctx: TransactionContext, subscription: Subscription, came_from: CameFrom) -> None:
    """Keep where a subscription that starts now came from; nothing where that isn't known."""
    if not came_from.is_known:
        return
    origin = StartOrigin(
        subscription_id=subscription.id,
        reader_id=subscription.reader_id,
        article_id=came_from.article_id,
        section=came_from.section,
        issue_id=came_from.issue_id,
        is_trial=subscription.state is State.TRIALING,
        at=ctx.at,
    )
    ctx.session.add(origin)


COUNT_ERASED = """INSERT INTO erased_origin AS kept (month, article_id, section, issue_id, trials, paid_starts, converted)
    SELECT CAST(date_trunc('month', gone.at AT TIME ZONE :zone) AS date), coalesce(gone.article_id, ''), coalesce(gone.section, ''),
           coalesce(gone.issue_id, ''), count(*) FILTER (WHERE gone.is_trial), count(*) FILTER (WHERE NOT gone.is_trial),
           count(*) FILTER (WHERE EXISTS (SELECT FROM invoice i WHERE i.subscription_id = gone.subscription_id
                                          AND i.state = 'paid'))
    FROM gone GROUP BY 1, 2, 3, 4
    ON CONFLICT (month, article_id, section, issue_id) DO UPDATE SET trials = kept.trials + excluded.trials,
        paid_starts = kept.paid_starts + excluded.paid_starts, converted = kept.converted + excluded.converted"""
"""Counts the rows `gone` that an erasure deletes, without the reader, the subscription and the day. Months are of `:zone`, the publisher's."""
