"""What a reader can read, in one sentence for the reader: by the subscription, or by complimentary days."""

from billing.access import grants
from billing.access.entitlements import entitlements_of
from billing.platform.context import TransactionContext
from billing.rules.access import Reason, strongest
from billing.subscriptions.describe import in_a_sentence
from billing.subscriptions.find import stopped_by_bank
from billing.subscriptions.models import Subscription


def sentence_of(ctx: TransactionContext, reader_id: str, subscription: Subscription | None) -> str:
    """The sentence at this instant. `subscription` is the reader's latest."""
    held = strongest(entitlements_of(ctx, reader_id).held, ctx.at)
    is_given = held is not None and held.reason is Reason.COMPLIMENTARY
    grant = grants.last_of(ctx, reader_id) if is_given else None
    if grant is None:
        by_bank = (
            subscription is not None
            and subscription.cancels_at is not None
            and stopped_by_bank(ctx.session, subscription)
        )
        return in_a_sentence(subscription, ctx.at, ctx.zone, by_bank=by_bank)
    return f"Everything is open to you, with our compliments, through {ctx.site.last_day(grant.until):%A %-d %B %Y}."
