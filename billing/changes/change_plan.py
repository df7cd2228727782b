"""Another plan from the next period on: the reader chooses it with its price in view, and can undo it until it begins (CPA-1)."""

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
from billing.platform.context import TransactionContext
from billing.platform.errors import Conflict
from billing.rules.lifecycle import Event, State
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


class CannotSwitch(Conflict):
    """The plan can be changed once the first charge has been made, and not while a pause is running or ahead."""

    code = "cannot_switch"


class SamePlan(Conflict):
    """That is the plan which comes next anyway."""

    code = "same_plan"


class NoSwitch(Conflict):
    """No change of plan is ahead that could be undone."""

    code = "no_switch"


@dataclass(frozen=True, slots=True)
class Switch:
    """What a change of plan leads to: the plan, its price, and the day on which it begins, with a charge."""

    plan: AnyPlan
    price: AnyPrice
    on: date


def preview(
    ctx: TransactionContext, subscription: Subscription, plan_id: str, *, by_staff: bool = False
) -> Switch:
    """What it would do. A reader may choose their year again: another year never comes by itself (CPA-2).

    Raises UnknownPlan, CannotSwitch, SamePlan, AlreadyEnded, IsCancelled, IsOwing, ChargeUnderWay."""
    starts_on = _starts_on(ctx, subscription)
    try:
        plan, price = plan_on_offer(ctx.session, ctx.today, plan_id, by_staff=by_staff)
    except NotOffered as error:
        raise UnknownPlan from error
    if plan.id == coming_plan(ctx.session, subscription):
        raise SamePlan
    return Switch(plan, price, starts_on)


def previews(ctx: TransactionContext, subscription: Subscription, offered: Sequence[OnOffer]) -> list[Switch]:
    """What each change to a plan on offer would do. Raises as `preview`, but neither UnknownPlan nor SamePlan."""
    starts_on, coming = _starts_on(ctx, subscription), coming_plan(ctx.session, subscription)
    return [Switch(plan, price, starts_on) for plan, price, _ in offered if plan.id != coming]


def _starts_on(ctx: TransactionContext, subscription: Subscription) -> date:
    """The day on which another plan would begin. Raises CannotSwitch, AlreadyEnded, IsCancelled, IsOwing, ChargeUnderWay."""
    s = subscription
    refuse_unless_live(s)
    refuse_while_charging(s)
    if s.state is State.PAST_DUE:
        raise IsOwing
    if s.state is not State.ACTIVE or s.period_end_on is None or pause_is_ahead(s):
        raise CannotSwitch
    if s.period_end_on <= ctx.today:  # the renewal is due this morning
        raise ChargeUnderWay
    return s.period_end_on


def coming_plan(session: Session, subscription: Subscription) -> str:
    """The plan of the period to come, as things stand."""
    s = subscription
    if s.next_terms_because is TermsChangeReason.SWITCH and s.next_price_id is not None:
        return session.get_one(Price, s.next_price_id).plan_id
    return plan_without_switch(session, s)


def plan_without_switch(session: Session, subscription: Subscription) -> str:
    """The plan of the period to come, if no change of plan is ahead, or it is undone."""
    return session.get_one(Plan, subscription.plan_id).then_plan_id or subscription.plan_id


def choose_plan(
    ctx: TransactionContext, subscription_id: str, plan_id: str, *, reason: str, by_staff: bool = False
) -> Subscription:
    """Choose another plan. A price announced for its first day is moot. Raises as `preview`, and UnknownSubscription."""
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
    plan_switched(ctx, subscription)
    return subscription


def terms_again(
    ctx: TransactionContext, subscription: Subscription
) -> tuple[SubscriptionPatch, PriceNotice | None]:
    """The columns after taking it back: what was announced before, a year's end or a price, holds again. With the notice of that
    price, which counts again: otherwise choosing a plan and undoing that would escape the price, as none is announced twice.

    Raises NoSwitch."""
    s = subscription
    if (
        s.state is not State.ACTIVE
        or s.next_terms_because is not TermsChangeReason.SWITCH
        or s.charging_since
    ):
        raise NoSwitch
    columns: SubscriptionPatch = NOTHING_NEXT.copy()
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
    """Take it back before it begins. Raises NoSwitch, UnknownSubscription."""
    s = lock(ctx.session, subscription_id)
    columns, notice = terms_again(ctx, s)
    if notice is not None:
        notice.state, notice.settled_at = NoticeState.ANNOUNCED, None
    change(ctx, s, Event.SWITCH_UNDONE, reason=reason, **columns)
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
