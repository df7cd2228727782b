"""A subscription as a change would leave it, for forecasts: a copy that belongs to no session, by the rules of the change itself."""

from billing.changes import extend, pause
from billing.platform.context import TransactionContext
from billing.subscriptions.models import Subscription


def extended(ctx: TransactionContext, subscription: Subscription, days: int) -> Subscription:
    """With so many more days. Raises as `extend.preview`."""
    seen = extend.preview(ctx, subscription, days)
    return _with(subscription, **extend.columns_of(ctx, subscription, seen))


def paused(ctx: TransactionContext, subscription: Subscription, months: int, *, most: int) -> Subscription:
    """Paused from the end of what is paid. Raises as `pause.preview`."""
    span = pause.preview(ctx.site, subscription, months, ctx.at, most=most)
    return _with(subscription, resumes_on=span.resumes_on)


def cancelled(ctx: TransactionContext, subscription: Subscription) -> Subscription:
    """Cancelled at this instant."""
    return _with(subscription, cancel_asked_at=ctx.at, cancels_at=ctx.at)


def _with(subscription: Subscription, **columns: object) -> Subscription:
    return Subscription(**subscription.model_dump() | columns)
