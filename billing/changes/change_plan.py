"""Another plan from the next charge on: the reader chooses it with its price in view, and can undo it until it begins, or until the
first charge after a trial is announced (CPA-1, CARD-4)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlmodel import Session, col, select

from billing.changes import term_notice_sent
from billing.changes.extend import NOTHING_NEXT, NOTICES_DUE
from billing.changes.next_terms import announce_price_again, open_notice
from billing.changes.refusals import (
    ChargeUnderWay,
    IsOwing,
    refuse_unless_live,
    refuse_while_charging,
)
from billing.notices.plan import choice_undone, plan_switched
from billing.notices.trial import trial_started
from billing.platform.context import TransactionContext
from billing.platform.errors import Conflict
from billing.rules import trial
from billing.rules.lifecycle import Event, State
from billing.rules.notices import Notice
from billing.subscriptions.change import SubscriptionPatch, change, lock
from billing.subscriptions.find import AnyPlan, AnyPrice, NotOffered, OnOffer, plan_on_offer
from billing.subscriptions.models import (
    NoticeState,
    Plan,
    Price,
    PriceChange,
    PriceNotice,
    Subscription,
    TermsChangeReason,
)
from billing.subscriptions.plans import UnknownPlan
from billing.subscriptions.schedule import next_charge, pause_is_ahead
from emails.languages import say


class CannotSwitch(Conflict):
    """The plan can't be changed before a first charge without a trial is made, nor while a pause is running or ahead."""

    code = "cannot_switch"


class FirstChargeAnnounced(Conflict):
    """The first charge has been announced with its price, so its plan stays. Another can be chosen once that charge is made."""

    code = "first_charge_announced"


class SamePlan(Conflict):
    """That is the plan which comes next anyway."""

    code = "same_plan"


class NoSwitch(Conflict):
    """No change of plan is ahead that could be undone."""

    code = "no_switch"


@dataclass(frozen=True, slots=True)
class Switch:
    """What a change of plan leads to: the plan, its price, the day on which it begins, with a charge, and the day until which it can
    be undone. In a trial that is the day on which the charge is announced."""

    plan: AnyPlan
    price: AnyPrice
    on: date
    undo_until: date


def preview(
    ctx: TransactionContext, subscription: Subscription, plan_id: str, *, by_staff: bool = False
) -> Switch:
    """What it would do. A reader may choose their year again: another year never comes by itself (CPA-2).

    Raises UnknownPlan, CannotSwitch, FirstChargeAnnounced, SamePlan, AlreadyEnded, IsCancelled, IsOwing, ChargeUnderWay."""
    starts_on = _starts_on(ctx, subscription)
    try:
        plan, price = plan_on_offer(ctx.session, ctx.today, plan_id, by_staff=by_staff)
    except NotOffered as error:
        raise UnknownPlan from error
    if plan.id == coming_plan(ctx.session, subscription):
        raise SamePlan
    return Switch(plan, price, starts_on, _undo_until(ctx, subscription, starts_on))


def previews(ctx: TransactionContext, subscription: Subscription, offered: Sequence[OnOffer]) -> list[Switch]:
    """What each change to a plan on offer would do. Raises as `preview`, but neither UnknownPlan nor SamePlan."""
    starts_on, coming = _starts_on(ctx, subscription), coming_plan(ctx.session, subscription)
    until = _undo_until(ctx, subscription, starts_on)
    return [Switch(plan, price, starts_on, until) for plan, price, _ in offered if plan.id != coming]


def _undo_until(ctx: TransactionContext, subscription: Subscription, starts_on: date) -> date:
    if subscription.state is not State.TRIALING:
        return starts_on
    return max(ctx.today, trial.notice_on(Notice.FIRST, starts_on, ctx.zone))


def _starts_on(ctx: TransactionContext, subscription: Subscription) -> date:
    """The day on which another plan would begin. Raises CannotSwitch, FirstChargeAnnounced, AlreadyEnded, IsCancelled, IsOwing,
    ChargeUnderWay."""
    s = subscription
    refuse_unless_live(s)
    refuse_while_charging(s)
    if s.state is State.PAST_DUE:
        raise IsOwing
    if s.state is State.TRIALING:
        refuse_announced(s)
        return s.charge_on
    if s.state is not State.ACTIVE or s.period_end_on is None or pause_is_ahead(s):
        raise CannotSwitch
    if s.period_end_on <= ctx.today:  # the renewal is due this morning
        raise ChargeUnderWay
    return s.period_end_on


def refuse_announced(subscription: Subscription) -> None:
    """The notices before a first charge name its price and its day, so neither changes after the first of them (CARD-4). Raises
    FirstChargeAnnounced, with the day from which the plan can be changed."""
    s = subscription
    if s.state is State.TRIALING and s.first_notice_at is not None:
        raise FirstChargeAnnounced(
            say(
                "We have announced your first charge with its price, so the plan stays for it. You can choose another plan once that"
                " charge is made, on %(day)s.",
                day=s.charge_on,
            )
        )


def coming_plan(session: Session, subscription: Subscription) -> str:
    """The plan of the period to come, as things stand."""
    s = subscription
    if s.next_terms_because is TermsChangeReason.SWITCH and s.next_price_id is not None:
        return session.get_one(Price, s.next_price_id).plan_id
    return plan_without_switch(session, s)


def plan_without_switch(session: Session, subscription: Subscription) -> str:
    """The plan of the period to come, if no change of plan is ahead, or it is undone."""
    if subscription.period_number == 0:  # the first period is still to come
        return subscription.plan_id
    return session.get_one(Plan, subscription.plan_id).then_plan_id or subscription.plan_id


def choose_plan(
    ctx: TransactionContext, subscription_id: str, plan_id: str, *, reason: str, by_staff: bool = False
) -> Subscription:
    """Choose another plan; in a trial, for the first charge, whose day stays. A price announced for its first day is moot.

    Raises as `preview`, and UnknownSubscription."""
    subscription = lock(ctx.session, subscription_id)
    found = preview(ctx, subscription, plan_id, by_staff=by_staff)
    notice = open_notice(ctx.session, subscription.id)
    if notice is not None:
        notice.state, notice.settled_at = NoticeState.MOOT, ctx.at
    change(
        ctx,
        subscription,
        Event.SWITCH_ASKED,
        reason=reason,
        next_price_id=found.price.id,
        next_terms_on=found.on,
        next_terms_because=TermsChangeReason.SWITCH,
    )
    _confirm_trial(ctx, subscription)
    plan_switched(ctx, subscription, found.undo_until)
    return subscription


def _confirm_trial(ctx: TransactionContext, subscription: Subscription) -> None:
    """Confirm the terms of a trial (CARD-3) with the price that holds now, if the mail with another was still waiting."""
    if subscription.state is State.TRIALING:
        trial_started(ctx, subscription)


def refuse_undo(subscription: Subscription) -> None:
    """Raises NoSwitch; in a trial FirstChargeAnnounced."""
    s = subscription
    if (
        s.state not in (State.TRIALING, State.ACTIVE)
        or s.next_terms_because is not TermsChangeReason.SWITCH
        or s.charging_since
    ):
        raise NoSwitch
    refuse_announced(s)


def terms_again(
    ctx: TransactionContext, subscription: Subscription
) -> tuple[SubscriptionPatch, PriceNotice | None]:
    """The columns after taking it back: what was announced before, a year's end or a price, holds again. With the notice of that
    price, which counts again: otherwise choosing a plan and undoing that would escape the price, as none is announced twice.

    Raises NoSwitch, FirstChargeAnnounced."""
    s = subscription
    refuse_undo(s)
    columns: SubscriptionPatch = NOTHING_NEXT.copy()  # as `|=` below changes it in place
    if s.state is State.TRIALING:
        return columns, None
    if s.is_fixed_term:
        if s.term_notice_at is not None:
            said = term_notice_sent.of_this_year(ctx, s)
            columns |= term_notice_sent.announced_terms(ctx.session, s, said) if said else NOTICES_DUE
        return columns, None
    found = _price_before(ctx.session, s)
    if found is None:
        return columns, None
    notice, price = found
    columns |= {
        "next_price_id": price.id,
        "next_terms_on": notice.starts_on,
        "next_terms_because": TermsChangeReason.PRICE,
    }
    return columns, notice


def undo(ctx: TransactionContext, subscription_id: str, *, reason: str) -> Subscription:
    """Take it back before it begins. Raises NoSwitch, FirstChargeAnnounced, UnknownSubscription."""
    s = lock(ctx.session, subscription_id)
    columns, notice = terms_again(ctx, s)
    if notice is not None:
        notice.state, notice.settled_at = NoticeState.ANNOUNCED, None
    change(ctx, s, Event.SWITCH_UNDONE, reason=reason, **columns)
    _confirm_trial(ctx, s)
    announce_price_again(ctx, s)
    charge = next_charge(s, ctx.zone)
    if charge is not None:
        choice_undone(ctx, s, "plan", charge.on)
    return s


def _price_before(session: Session, subscription: Subscription) -> tuple[PriceNotice, Price] | None:
    """The price that was announced before the reader chose another plan."""
    s = subscription
    return session.exec(
        select(PriceNotice, Price)
        .join(PriceChange, col(PriceChange.id) == PriceNotice.change_id)
        .join(Price, col(Price.id) == PriceChange.price_id)
        .where(
            PriceNotice.subscription_id == s.id,
            PriceNotice.state == NoticeState.MOOT,
            Price.plan_id == s.plan_id,
            col(PriceNotice.starts_on) > s.period_start_on,  # not one from before an earlier change of plan
        )
        .order_by(col(PriceNotice.settled_at).desc())
    ).first()
