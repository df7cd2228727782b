"""A reader's address refuses our mail: the pages say so, as no mail can."""

from billing.changes.unreached import ends_unless_reached
from billing.mail import unreachable
from billing.platform.context import TransactionContext
from billing.readers.models import Reader
from billing.rules.lifecycle import State
from billing.subscriptions.models import Subscription
from billing.web.views.account import Unreached


def unreached(ctx: TransactionContext, reader: Reader, subscription: Subscription | None) -> Unreached | None:
    """What the page says about it and the subscription. None where mails arrive, or there never was a subscription."""
    if subscription is None or not unreachable.refuses(ctx.session, reader.id, reader.email):
        return None
    return refusing(ctx, subscription)


def refusing(ctx: TransactionContext, subscription: Subscription) -> Unreached:
    """The same for an address that is known to refuse our mail."""
    return Unreached(
        ended=subscription.state is State.ENDED,
        ends=ends_unless_reached(ctx.session, ctx.site, subscription),
    )
