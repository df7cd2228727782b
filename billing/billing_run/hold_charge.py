"""Postpone a due charge, once, while a request to cancel that came by form waits for staff. The caller holds the lock.

Anybody can post a form with a reader's address, so it ends nothing. It moves the next charge, and a mail tells the reader
how to cancel at once. A charge that the reader makes in person isn't held."""

from datetime import date
from typing import Unpack

from billing.billing_run.extend_trial import extend_trial
from billing.billing_run.skip_reason import Skip
from billing.changes import next_terms
from billing.notices.requests import charge_held
from billing.platform.context import TransactionContext
from billing.rules import cancel_requests, trial
from billing.rules.dunning_steps import Retry, RetryReason, in_words, moved_in_words
from billing.subscriptions.change import SubscriptionPatch, mark, move_charge, take_back_mails
from billing.subscriptions.models import Subscription

WAITS = "a request to cancel waits for its answer"


def trial_charge(ctx: TransactionContext, subscription: Subscription) -> Skip:
    """Extend the trial; its notices name the new day."""
    until = trial.extended_charge_on(ctx.today)
    extend_trial(ctx, subscription, WAITS, held_until=until)
    return _notify(ctx, subscription, until)


def renewal(ctx: TransactionContext, subscription: Subscription) -> Skip:
    """Charge a month's renewal later; its period keeps its days. A year ends later instead, as what follows must be announced
    again (CPA-2)."""
    if subscription.is_fixed_term:
        next_terms.extend(ctx, subscription, WAITS)
        until = subscription.period_end_on or subscription.charge_on
        mark(subscription, ctx.zone, held_until=until)
    else:
        until = cancel_requests.held_until(ctx.today)
        _move(ctx, subscription, until, held_until=until)
    return _notify(ctx, subscription, until)


def retry(ctx: TransactionContext, subscription: Subscription, until: date) -> Skip:
    """Make a retry that is possible today on the day `until` instead."""
    _move(ctx, subscription, until, held_until=until, retry_on=until)
    return _notify(ctx, subscription, until)


def _move(
    ctx: TransactionContext,
    subscription: Subscription,
    until: date,
    **patch: Unpack[SubscriptionPatch],
) -> None:
    reason = f"{in_words(Retry(until, RetryReason.REQUEST))}, {moved_in_words((until - ctx.today).days)}"
    move_charge(ctx, subscription, reason, **patch)


def _notify(ctx: TransactionContext, subscription: Subscription, until: date) -> Skip:
    take_back_mails(ctx, [subscription])
    charge_held(ctx, subscription, until)
    return Skip.REQUEST_WAITS
