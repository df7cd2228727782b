"""Extend a trial whose first charge can't be made on its day; both notices are sent again (CARD-4)."""

from datetime import date

from billing.changes.outcome import ActionOutcome
from billing.notices.trial import trial_started
from billing.platform.actors import WORKER
from billing.platform.context import TransactionContext
from billing.rules import trial
from billing.rules.lifecycle import Event
from billing.subscriptions.change import change
from billing.subscriptions.models import Subscription


def extend_trial(
    ctx: TransactionContext, subscription: Subscription, reason: str, *, held_until: date | None = None
) -> ActionOutcome:
    """Move the first charge of a locked trial to the first day that both notices can still announce."""
    charge_on = trial.extended_charge_on(ctx.today)
    change(
        ctx.acting_as(WORKER),
        subscription,
        Event.TRIAL_EXTENDED,
        reason=reason,
        charge_on=charge_on,
        first_notice_at=None,
        second_notice_at=None,
        access_until=trial.free_until(charge_on, ctx.zone),
        held_until=held_until or subscription.held_until,  # kept, as a request postpones only once
        next_terms_on=charge_on if subscription.next_price_id is not None else None,
    )
    trial_started(ctx, subscription)
    return ActionOutcome.EXTENDED
