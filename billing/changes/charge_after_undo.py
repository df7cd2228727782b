"""The next charge if a reader undoes something now: its day and its terms. Nothing changes."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from billing.changes import cancel, change_plan, charge_day, next_terms, pause, postpone
from billing.platform.context import TransactionContext
from billing.rules import trial
from billing.rules.lifecycle import State
from billing.subscriptions.change import SubscriptionPatch
from billing.subscriptions.find import AnyPlan, AnyPrice, terms_on
from billing.subscriptions.models import PriceNotice, Subscription, TermsChangeReason
from billing.subscriptions.schedule import next_charge


@dataclass(frozen=True, slots=True)
class ChargeAhead:
    """A charge to come: its civil day, and its terms."""

    on: date
    plan: AnyPlan
    price: AnyPrice


def of_cancellation(ctx: TransactionContext, subscription: Subscription) -> ChargeAhead | None:
    """Without the cancellation. Taken back late, it moves the charge (`postpone`). Raises NothingToUndo, DisputeOpen."""
    s = subscription
    cancel.refuse_undo(ctx, s)
    columns: SubscriptionPatch = {"cancel_asked_at": None, "cancels_at": None}
    if postpone.moves(ctx, s):
        in_trial = s.state is State.TRIALING
        columns |= (
            {"charge_on": trial.extended_charge_on(ctx.today)}
            if in_trial
            else {"period_end_on": next_terms.extended_end(ctx, s)}
        )
    return _charge(ctx, s, columns, next_terms.open_notice(ctx.session, s.id))


def of_plan(ctx: TransactionContext, subscription: Subscription) -> ChargeAhead | None:
    """Without the change of plan that is ahead. Raises NoSwitch, FirstChargeAnnounced."""
    columns, notice = change_plan.terms_again(ctx, subscription)
    return _charge(ctx, subscription, columns, notice)


def of_day(ctx: TransactionContext, subscription: Subscription) -> ChargeAhead | None:
    """Without the day of the month that was chosen. Raises as `charge_day.refuse_undo`."""
    on = charge_day.refuse_undo(ctx, subscription)
    columns = charge_day.columns_before(ctx, subscription, on)
    return _charge(ctx, subscription, columns, next_terms.open_notice(ctx.session, subscription.id))


def of_pause(ctx: TransactionContext, subscription: Subscription) -> ChargeAhead:
    """Without the pause; one that runs ends today, with its charge. Raises NotPaused."""
    on = pause.goes_on(ctx.site, subscription, ctx.at)
    return ChargeAhead(on, *terms_on(ctx.session, subscription, on))


def _charge(
    ctx: TransactionContext,
    subscription: Subscription,
    columns: SubscriptionPatch,
    notice: PriceNotice | None,
) -> ChargeAhead | None:
    """The next charge with these columns. `notice`: of a price that is announced again, unless that is too late."""
    values: dict[str, Any] = {**subscription.model_dump(), **columns}
    after = Subscription(**values)  # a copy, which no session knows
    if (
        after.next_terms_because is TermsChangeReason.PRICE
        and notice
        and next_terms.price_is_late(ctx, notice)
    ):
        after.next_price_id = after.next_terms_on = after.next_terms_because = None
    charge = next_charge(after, ctx.zone)
    return ChargeAhead(charge.on, *terms_on(ctx.session, after, charge.on)) if charge else None
