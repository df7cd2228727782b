"""What a reader can read, in one sentence for the reader: by the subscription, or by complimentary days."""

from billing.access import grants
from billing.access.entitlements import Entitlements
from billing.platform.context import TransactionContext
from billing.rules.access import Reason, strongest
from billing.subscriptions.describe import in_a_sentence
from billing.subscriptions.find import stopped_by_bank
from billing.subscriptions.models import Subscription
from emails.languages import Text, say


def sentence_of(
    ctx: TransactionContext, entitlements: Entitlements, subscription: Subscription | None
) -> Text:
    """The sentence at this instant for a reader with these entitlements. `subscription` is the reader's latest."""
    held, reader_id = strongest(entitlements.held, ctx.at), entitlements.reader_id
    is_given = held is not None and held.reason is Reason.COMPLIMENTARY
    grant = grants.last_of(ctx, reader_id) if is_given and reader_id is not None else None
    if grant is None:
        by_bank = (
            subscription is not None
            and subscription.cancels_at is not None
            and stopped_by_bank(ctx.session, subscription)
        )
        return in_a_sentence(subscription, ctx.at, ctx.zone, by_bank=by_bank)
    until = ctx.site.last_day(grant.until)
    return say("Everything is open to you, with our compliments, through %(day)s.", day=until)
