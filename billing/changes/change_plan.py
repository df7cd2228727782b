"""Another plan from the next period on: chosen by the reader with the price before their eyes, undone until it begins (CPA-1)."""

from dataclasses import dataclass
from datetime import date

from sqlmodel import Session, col, select

from billing.changes import term_notice_sent
from billing.changes.next_terms import NOTHING_NEXT, announce_price_again, open_notice
from billing.changes.refusals import AlreadyEnded, ChargeUnderWay, IsCancelled, IsOwing
from billing.notices.plan import choice_undone, plan_switched
from billing.platform.context import TransactionContext
from billing.platform.errors import Conflict
from billing.rules.lifecycle import Event, State
from billing.subscriptions.change import change, lock
from billing.subscriptions.find import NotOffered, plan_on_offer
from billing.subscriptions.models import (
    NoticeState,
    Plan,
    Price,
    PriceChange,
    PriceNotice,
    Subscription,
    TermsChangeReason,
)
from billing.subscriptions.patch import SubscriptionPatch
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

    plan: Plan
    price: Price
    on: date


def preview(
    ctx: TransactionContext, subscription: Subscription, plan_id: str, *, by_staff: bool = False
) -> Switch:
    """What it would do. A year chosen again is another year, which never comes by itself (CPA-2).

    Raises UnknownPlan, CannotSwitch, SamePlan, AlreadyEnded, IsCancelled, IsOwing, ChargeUnderWay."""
    s = subscription
    if s.state is State.ENDED:
        raise AlreadyEnded
    if s.cancels_at is not None:
        raise IsCancelled
    if s.charging_since is not None:
        raise ChargeUnderWay
    if s.state is State.PAST_DUE:
        raise IsOwing
    if s.state is not State.ACTIVE or s.period_end_on is None or pause_is_ahead(s):
        raise CannotSwitch
    if s.period_end_on <= ctx.today:
        raise ChargeUnderWay
    try:
        plan, price = plan_on_offer(ctx.session, ctx.today, plan_id, by_staff=by_staff)
    except NotOffered as none_such:
        raise UnknownPlan from none_such
    if plan.id == coming_plan(ctx.session, s):
        raise SamePlan
    return Switch(plan, price, s.period_end_on)


def coming_plan(session: Session, subscription: Subscription) -> str:
    """The plan of the period to come, as things stand."""
    s = subscription
    if s.next_terms_reason is TermsChangeReason.SWITCH and s.next_price_id is not None:
        return session.get_one(Price, s.next_price_id).plan_id
    return session.get_one(Plan, s.plan_id).then_plan_id or s.plan_id


def ask(
    ctx: TransactionContext, subscription_id: str, plan_id: str, *, reason: str, by_staff: bool = False
) -> Subscription:
    """Choose it. What was announced for then is moot. Raises as `preview`, and UnknownSubscription."""
    subscription = lock(ctx.session, subscription_id)
    found = preview(ctx, subscription, plan_id, by_staff=by_staff)
    notice = open_notice(ctx.session, subscription.id)
    if notice is not None:
        notice.state, notice.settled_at = NoticeState.MOOT, ctx.at
        ctx.session.add(notice)
    change(
        ctx,
        subscription,
        Event.SWITCH_ASKED,
        reason=reason,
        next_price_id=found.price.id,
        next_terms_on=found.on,
        next_terms_reason=TermsChangeReason.SWITCH,
    )
    plan_switched(ctx, subscription)
    ctx.session.add(subscription)
    return subscription


def undo(ctx: TransactionContext, subscription_id: str, *, reason: str) -> Subscription:
    """Take it back before it begins. What was announced holds again, for the end of a year or for a price: it stays told.

    Raises NoSwitch, UnknownSubscription."""
    subscription = lock(ctx.session, subscription_id)
    s = subscription
    if s.state is not State.ACTIVE or s.next_terms_reason is not TermsChangeReason.SWITCH or s.charging_since:
        raise NoSwitch
    columns: SubscriptionPatch = NOTHING_NEXT.copy()
    if s.is_fixed_term and s.term_notice_at is not None:
        said = term_notice_sent.of_this_year(ctx, s)
        columns |= (
            {"term_notice_at": None, "first_notice_at": None, "second_notice_at": None}
            if said is None
            else term_notice_sent.terms_of(ctx.session, s, said)
        )
    if not s.is_fixed_term:
        columns |= _price_again(ctx.session, s)
    change(ctx, s, Event.SWITCH_UNDONE, reason=reason, **columns)
    announce_price_again(ctx, s)
    charge = next_charge(s, ctx.zone)
    if charge is not None:
        choice_undone(ctx, s, "plan", charge.on)
    ctx.session.add(s)
    return s


def _price_again(session: Session, subscription: Subscription) -> SubscriptionPatch:
    """The columns of the price that was announced before another plan was chosen; its notice counts again. Otherwise choosing
    and taking back would be a way past any other price: nobody is told of the same one twice."""
    s = subscription
    found = session.exec(
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
    if found is None:
        return {}
    notice, price = found
    notice.state, notice.settled_at = NoticeState.TOLD, None
    session.add(notice)
    return {
        "next_price_id": price.id,
        "next_terms_on": notice.starts_on,
        "next_terms_reason": TermsChangeReason.PRICE,
    }
