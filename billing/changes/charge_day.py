"""The day of the month on which a monthly plan is charged, chosen by the reader, once in twelve months.

The next charge moves to the first such day that isn't before the end of what is paid. The days between are free."""

from dataclasses import dataclass
from datetime import date

from sqlmodel import col, select

from billing.changes.extend import moved_to
from billing.changes.refusals import ChargeUnderWay, IsOwing, refuse_unless_live, refuse_while_charging
from billing.notices.charge_day import charge_day_chosen
from billing.notices.plan import choice_undone
from billing.platform.context import TransactionContext
from billing.platform.errors import Conflict, Invalid
from billing.rules import charge_day, periods
from billing.rules.lifecycle import Event, State
from billing.subscriptions.change import SubscriptionPatch, change, lock
from billing.subscriptions.find import AnyPlan, AnyPrice, terms_of, terms_on
from billing.subscriptions.models import Subscription, SubscriptionChange, TermsChangeReason
from billing.subscriptions.schedule import pause_is_ahead
from emails.languages import say


class BadChargeDay(Invalid):
    """Choose a day from the 1st to the 28th, or the last day of the month."""

    code = "bad_charge_day"


class CannotChooseDay(Conflict):
    """Only a plan that is paid by the month has a day to choose, and only where the publisher offers it."""

    code = "cannot_choose_day"


class SameDay(Conflict):
    """That is the day on which it is charged already."""

    code = "same_day"


class DayChosenBefore(Conflict):
    """The day was chosen within the last twelve months."""

    code = "day_chosen_before"


class NoDayToUndo(Conflict):
    """No choice of a day is left that could be undone: the free days have begun, or something else has moved the charge since."""

    code = "no_day_to_undo"


@dataclass(frozen=True, slots=True)
class ChosenDay:
    """What a choice leads to: the next charge on the day `on` instead of `before`, and its terms. Days between are free."""

    day: int
    before: date
    on: date
    plan: AnyPlan
    price: AnyPrice

    @property
    def free_days(self) -> int:
        """The days between."""
        return (self.on - self.before).days


def preview(ctx: TransactionContext, subscription: Subscription, day: int) -> ChosenDay:
    """What choosing this day would do. Raises BadChargeDay, SameDay, DayChosenBefore, and as `refuse`."""
    if day not in charge_day.DAYS:
        raise BadChargeDay
    before = refuse(ctx, subscription)
    _refuse_second(ctx, subscription)
    if day == subscription.charge_on.day:
        raise SameDay
    found, most = _chosen(ctx, subscription, day, before), ctx.site.policy.charge_day_free_days
    if found.free_days > most:
        raise CannotChooseDay(
            say(
                "That day is %(days)s days after the end of what is paid, and at most %(most)s are free.",
                days=found.free_days,
                most=most,
            )
        )
    return found


def previews(ctx: TransactionContext, subscription: Subscription) -> list[ChosenDay]:
    """What each day that can be chosen would do. Raises DayChosenBefore, and as `refuse`."""
    s, before = subscription, refuse(ctx, subscription)
    _refuse_second(ctx, s)
    found = (_chosen(ctx, s, day, before) for day in charge_day.DAYS if day != s.charge_on.day)
    return [chosen for chosen in found if chosen.free_days <= ctx.site.policy.charge_day_free_days]


def _chosen(ctx: TransactionContext, subscription: Subscription, day: int, before: date) -> ChosenDay:
    on = charge_day.first_on(day, before)
    return ChosenDay(day, before, on, *terms_on(ctx.session, subscription, on))


def refuse(ctx: TransactionContext, subscription: Subscription) -> date:
    """The day of the next charge, where another can be chosen. Raises CannotChooseDay, AlreadyEnded, IsCancelled, IsOwing,
    ChargeUnderWay."""
    s = subscription
    refuse_unless_live(s)
    refuse_while_charging(s)
    if s.state is State.PAST_DUE:
        raise IsOwing
    if s.state is State.TRIALING:
        raise CannotChooseDay(
            say(
                "You can choose the day of the charge once the first charge is made, on %(day)s.",
                day=s.charge_on,
            )
        )
    if s.state is State.PAUSED or pause_is_ahead(s):
        raise CannotChooseDay(say("A pause is running or ahead. Take it back first, then choose the day."))
    if s.next_terms_because is TermsChangeReason.SWITCH:
        raise CannotChooseDay(say("A change of plan is ahead. Take it back first, then choose the day."))
    by_the_month = not s.is_fixed_term and terms_of(ctx.session, s)[0].months == 1
    if s.period_end_on is None or not by_the_month or not ctx.site.policy.charge_day_free_days:
        raise CannotChooseDay
    if s.period_end_on <= ctx.today:  # the renewal is due this morning
        raise ChargeUnderWay
    return s.period_end_on


def _refuse_second(ctx: TransactionContext, subscription: Subscription) -> None:
    """Raises DayChosenBefore, with the day from which it can be chosen. Other subscriptions of the reader count too: earlier ones, and
    those of an account that was merged into this one."""
    rows = ctx.session.exec(
        select(SubscriptionChange.subscription_id, SubscriptionChange.event, SubscriptionChange.at)
        .join(Subscription, col(Subscription.id) == SubscriptionChange.subscription_id)
        .where(
            Subscription.reader_id == subscription.reader_id,
            col(SubscriptionChange.event).in_((Event.CHARGE_DAY_CHOSEN, Event.CHARGE_DAY_UNDONE)),
        )
        .order_by(col(SubscriptionChange.id))
    )
    # the last line of each: a choice that was undone doesn't count
    last = {subscription_id: (event, at) for subscription_id, event, at in rows}
    chosen = [at for event, at in last.values() if event is Event.CHARGE_DAY_CHOSEN]
    if not chosen:
        return
    chosen_on = ctx.site.today(max(chosen))
    again_on = charge_day.choosable_from(chosen_on)
    if ctx.today < again_on:
        raise DayChosenBefore(
            say(
                "The day was chosen on %(chosen)s, and it can be chosen once in %(months)s months: again from %(again)s.",
                chosen=chosen_on,
                months=charge_day.ONCE_IN_MONTHS,
                again=again_on,
            )
        )


def choose(ctx: TransactionContext, subscription_id: str, day: int, *, reason: str) -> Subscription:
    """Choose the day; later periods are counted from it. Raises as `preview`, and UnknownSubscription."""
    s = lock(ctx.session, subscription_id)
    found = preview(ctx, s, day)
    anchor, months = charge_day.anchor_before(day, found.on)
    columns: SubscriptionPatch = moved_to(s, found.on) | {
        "charge_on": anchor,
        "anchor_months": months,
        "access_until": periods.start_of_day(found.on, ctx.zone),
        "charge_day_from": found.before,
    }
    change(ctx, s, Event.CHARGE_DAY_CHOSEN, reason=reason, **columns)
    charge_day_chosen(ctx, s, found.day, before=found.before, on=found.on)
    return s


def refuse_undo(ctx: TransactionContext, subscription: Subscription) -> date:
    """The day of the next charge if the choice is undone. Raises NoDayToUndo, AlreadyEnded, IsCancelled, ChargeUnderWay."""
    s = subscription
    refuse_unless_live(s)
    refuse_while_charging(s)
    if s.state is not State.ACTIVE or s.charge_day_from is None or s.charge_day_from <= ctx.today:
        raise NoDayToUndo
    if pause_is_ahead(s) or s.next_terms_because is TermsChangeReason.SWITCH:
        raise NoDayToUndo(say("A pause or a change of plan is ahead. Take that back first."))
    return s.charge_day_from


def columns_before(ctx: TransactionContext, subscription: Subscription, on: date) -> SubscriptionPatch:
    """The columns that end what is paid on that day again, and count later periods as before the choice."""
    s = subscription
    facts = ctx.session.exec(
        select(SubscriptionChange.facts)
        .where(
            SubscriptionChange.subscription_id == s.id, SubscriptionChange.event == Event.CHARGE_DAY_CHOSEN
        )
        .order_by(col(SubscriptionChange.id).desc())
    ).first()
    was = {name: values[0] for name, values in (facts or {}).items()}  # what the choice left isn't in it
    return {
        "period_end_on": on,
        "charge_on": date.fromisoformat(was["charge_on"]) if "charge_on" in was else s.charge_on,
        "anchor_number": was.get("anchor_number", s.anchor_number),
        "anchor_months": was.get("anchor_months", s.anchor_months),
        "access_until": periods.start_of_day(on, ctx.zone),
        "charge_day_from": None,
    }


def undo(ctx: TransactionContext, subscription_id: str, *, reason: str) -> Subscription:
    """Take it back before the free days begin: it counts no more, and another day can be chosen. Raises as `refuse_undo`, and
    UnknownSubscription."""
    s = lock(ctx.session, subscription_id)
    on = refuse_undo(ctx, s)
    change(ctx, s, Event.CHARGE_DAY_UNDONE, reason=reason, **columns_before(ctx, s, on))
    choice_undone(ctx, s, "day", on)
    return s
