"""Put a due charge off, once, while a request to cancel that came by form waits for staff. The caller holds the lock.

Anybody can post a form with a reader's address, so it ends nothing; it moves the next charge, and the reader is told how
to cancel at once. A charge that the reader makes in person isn't held."""

from datetime import date
from typing import Unpack

from billing.billing_run.extend_trial import extend_trial
from billing.billing_run.skip_reason import Skip
from billing.changes import next_terms
from billing.notices.requests import charge_held
from billing.platform.context import TransactionContext
from billing.rules import cancel_requests, trial
from billing.rules.dunning_steps import Retry, RetryReason, in_words, moved_in_words
from billing.subscriptions.change import mark, take_back_mails
from billing.subscriptions.models import Subscription
from billing.subscriptions.move_charge import move_charge
from billing.subscriptions.patch import SubscriptionPatch

WAITS = "a request to cancel waits for its answer"


def is_due(subscription: Subscription) -> bool:
    """Whether the charge that is due now is to be put off: a request is open, and this charge hasn't been put off before."""
    return subscription.cancel_request_at is not None and subscription.held_until is None


def trial_charge(ctx: TransactionContext, subscription: Subscription) -> Skip:
    """The first charge: the trial is longer, and its notices name the new day."""
    until = trial.extended_charge_on(ctx.today)
    extend_trial(ctx, subscription, WAITS, held_until=until)
    return _told(ctx, subscription, until)


def renewal(ctx: TransactionContext, subscription: Subscription) -> Skip:
    """A month is charged later in its course. A year ends later, as what follows it must be announced again (CPA-2)."""
    if subscription.is_fixed_term:
        next_terms.extend(ctx, subscription, WAITS)
        until = subscription.period_end_on or subscription.charge_on
        mark(subscription, ctx.zone, held_until=until)
    else:
        until = cancel_requests.held_until(ctx.today)
        _move(ctx, subscription, until, held_until=until)
    return _told(ctx, subscription, until)


def retry(ctx: TransactionContext, subscription: Subscription, until: date) -> Skip:
    """A retry that could be made today is made on the day `until`."""
    _move(ctx, subscription, until, held_until=until, retry_on=until)
    return _told(ctx, subscription, until)


def _move(
    ctx: TransactionContext,
    subscription: Subscription,
    until: date,
    **patch: Unpack[SubscriptionPatch],
) -> None:
    reason = f"{in_words(Retry(until, RetryReason.REQUEST))}, {moved_in_words((until - ctx.today).days)}"
    move_charge(ctx, subscription, reason, **patch)


def _told(ctx: TransactionContext, subscription: Subscription, until: date) -> Skip:
    take_back_mails(ctx, [subscription])
    charge_held(ctx, subscription, until)
    return Skip.REQUEST_WAITS
