"""The terms of the period to come: what the reader chose, what a year goes on as, what price was announced in time."""

from datetime import date

from sqlmodel import Session, select

from billing.changes.extend import moved_to
from billing.changes.outcome import ActionOutcome
from billing.mail.outbox import accepted_at
from billing.notices.plan import price_changing, price_notice_key
from billing.notices.term import term_ending, term_notice_key, term_reminder, term_reminder_key
from billing.payments import postings
from billing.platform.actors import WORKER
from billing.platform.context import TransactionContext
from billing.rules import notices, periods, price_notice, term, trial
from billing.rules.lifecycle import Event
from billing.rules.notices import Notice
from billing.rules.periods import Period
from billing.subscriptions import period
from billing.subscriptions.change import change, mark
from billing.subscriptions.find import on_sale, terms_of
from billing.subscriptions.models import (
    NoticeState,
    Plan,
    Price,
    PriceNotice,
    Subscription,
    TermsChangeReason,
)
from billing.subscriptions.patch import SubscriptionPatch

NOTHING_NEXT: SubscriptionPatch = {"next_price_id": None, "next_terms_on": None, "next_terms_reason": None}


def next_period(session: Session, subscription: Subscription, today: date) -> Period:
    """The period that is charged next: today's, or the first one not paid yet."""
    months = terms_of(session, subscription)[0].months
    current = period.containing(subscription, today, months)
    number = max(current.number, subscription.period_number + 1)
    return period.nth(subscription, number, months)


def begin(ctx: TransactionContext, subscription: Subscription, starts_on: date) -> bool:
    """Let other terms begin with a period that starts on that day, if they are due by then. An announced price whose
    notice wasn't accepted 30 days ago stays away (CARD-8). Whether they have begun."""
    s = subscription
    if s.next_price_id is None or s.next_terms_on is None or s.next_terms_on > starts_on:
        return False
    price = ctx.session.get_one(Price, s.next_price_id)
    plan = ctx.session.get_one(Plan, price.plan_id)
    if s.next_terms_reason is TermsChangeReason.PRICE and not _price_told(ctx, s):
        _change(ctx, s, Event.PRICE_KEPT, "the notice did not arrive in time", NOTHING_NEXT)
        return False
    columns: SubscriptionPatch = NOTHING_NEXT | {"price_id": price.id}
    if plan.id != s.plan_id or s.is_fixed_term:
        # a year begins when it is paid (see `settle`): a charge that has to be made anew isn't the end of one
        columns |= {"plan_id": plan.id, "is_fixed_term": False, "term_notice_at": None}
        columns |= _anchored(ctx.session, s, starts_on)
    reason = f"{s.next_terms_reason}: {plan.id} at {price.amount} cents"
    _change(ctx, s, Event.TERMS_CHANGED, reason, columns)
    return True


def _anchored(session: Session, subscription: Subscription, starts_on: date) -> SubscriptionPatch:
    """Later periods are counted from the one that starts on that day, and keep the anchor's day of the month."""
    s = subscription
    found = period.containing(s, starts_on, terms_of(session, s)[0].months)
    ahead = (found.start_on.year - s.charge_on.year) * 12 + found.start_on.month - s.charge_on.month
    return {"anchor_number": max(found.number, s.period_number + 1), "anchor_months": ahead}


def _price_told(ctx: TransactionContext, subscription: Subscription) -> bool:
    """Whether the notice arrived in time; its row says so from now on."""
    notice = open_notice(ctx.session, subscription.id)
    accepted = accepted_at(ctx.session, price_notice_key(notice.id)) if notice else None
    told = price_notice.in_time(accepted, ctx.at)
    if notice is not None:
        notice.state, notice.settled_at = (NoticeState.HOLDS if told else NoticeState.KEPT), ctx.at
        ctx.session.add(notice)
    return told


def open_notice(session: Session, subscription_id: str) -> PriceNotice | None:
    """The price that was announced to a subscription and hasn't begun."""
    return session.exec(
        select(PriceNotice).where(
            PriceNotice.subscription_id == subscription_id, PriceNotice.state == NoticeState.TOLD
        )
    ).first()


def announce_price_again(ctx: TransactionContext, subscription: Subscription) -> None:
    """Announce the price that comes once more where its mail was taken back, with a cancellation or a change of plan that was
    undone since. Where it can't arrive in time any more, the price waits to be announced for a later period."""
    notice = open_notice(ctx.session, subscription.id)
    if notice is None or subscription.next_price_id is None:
        return
    if not put_off_price(ctx, subscription, notice):
        price = ctx.session.get_one(Price, subscription.next_price_id)
        price_changing(ctx, subscription, notice, price)


def put_off_price(ctx: TransactionContext, subscription: Subscription, notice: PriceNotice) -> bool:
    """Let an announced price wait for another notice if no mail server took this one and it is too late for that; whether it
    does. The caller holds the subscription's lock."""
    accepted = accepted_at(ctx.session, price_notice_key(notice.id))
    charging_at = trial.charge_at(notice.starts_on, ctx.zone)
    if accepted is not None or price_notice.in_time(ctx.at, charging_at):
        return False
    notice.state, notice.settled_at = NoticeState.KEPT, ctx.at
    ctx.session.add(notice)
    reason = "the notice can't arrive in time any more"
    _change(ctx, subscription, Event.PRICE_KEPT, reason, NOTHING_NEXT)
    return True


def announce_end(ctx: TransactionContext, subscription: Subscription) -> ActionOutcome:
    """Say when the year ends and what it goes on as, 80 to 40 business days ahead (CPA-2). Whoever chose what comes next
    already is told so too, and what holds without that: the choice may be taken back when it is too late for a notice."""
    s = subscription
    ends_on = s.period_end_on or s.charge_on
    if ctx.at > term.window(ends_on, ctx.zone).closes_at:
        return extend(ctx, s, "the notice of the year's end is late")
    columns: SubscriptionPatch = {"term_notice_at": ctx.at, "first_notice_at": None, "second_notice_at": None}
    plan = ctx.session.get_one(Plan, s.plan_id)
    month = on_sale(ctx.session, ends_on, plan.then_plan_id or plan.id)[1]
    if s.next_price_id is None:
        columns |= {
            "next_price_id": month.id,
            "next_terms_on": ends_on,
            "next_terms_reason": TermsChangeReason.TERM,
        }
    _change(ctx, s, Event.TERM_ANNOUNCED, f"the year ends on {ends_on}", columns)
    term_ending(ctx, s, month)
    return ActionOutcome.NOTIFIED


def remind(ctx: TransactionContext, subscription: Subscription, which: Notice) -> ActionOutcome:
    """The two notices before the charge that follows a year (CARD-8)."""
    s = subscription
    charge_at = trial.charge_at(s.period_end_on or s.charge_on, ctx.zone)
    if ctx.at > notices.window(which, charge_at).closes_at:
        return extend(ctx, s, f"the {which} notice is late")
    term_reminder(ctx, s, which)
    if which is Notice.FIRST:
        mark(s, ctx.zone, first_notice_at=ctx.at)
    else:
        mark(s, ctx.zone, second_notice_at=ctx.at)
    return ActionOutcome.NOTIFIED


def not_told_in_time(ctx: TransactionContext, subscription: Subscription) -> str | None:
    """Which notice of the year's end, or of the charge after it, is missing at the moment of charging; None: none is."""
    s = subscription
    ends_on = s.period_end_on or s.charge_on
    if ctx.today != ends_on:
        return "the announced day passed without a charge"
    if s.next_terms_reason is TermsChangeReason.TERM and s.next_terms_on is not None:
        told = accepted_at(ctx.session, term_notice_key(s.id, s.next_terms_on))
        if told is None or told > term.window(ends_on, ctx.zone).closes_at:
            return "the notice of the year's end did not arrive in time"
    first, second = (accepted_at(ctx.session, term_reminder_key(which, s.id, ends_on)) for which in Notice)
    return None if notices.in_time(first, second, ctx.at) else "not both notices arrived in time"


def extend(ctx: TransactionContext, subscription: Subscription, reason: str) -> ActionOutcome:
    """Nothing is charged without its notices: the year is longer, free of charge, until they can arrive in time."""
    s = subscription
    announced = s.next_terms_reason is not TermsChangeReason.TERM or (
        s.next_terms_on is not None
        and accepted_at(ctx.session, term_notice_key(s.id, s.next_terms_on)) is not None
    )
    today = ctx.today
    if s.term_notice_at is not None and announced:
        end = trial.extended_charge_on(today)
        columns = moved_to(s, end) | {"term_notice_at": s.term_notice_at}
        columns |= {
            "next_price_id": s.next_price_id,
            "next_terms_on": s.next_terms_on,
            "next_terms_reason": s.next_terms_reason,
        }
    else:
        end = term.extended_end(today)
        columns = moved_to(s, end)
    columns |= {"access_until": periods.start_of_day(end, ctx.zone)}
    postings.days_given(ctx, s.id, before=s.period_end_on or s.charge_on, after=end)
    _change(ctx, s, Event.TERM_EXTENDED, reason, columns)
    return ActionOutcome.EXTENDED


def _change(
    ctx: TransactionContext, subscription: Subscription, event: Event, reason: str, columns: SubscriptionPatch
) -> None:
    change(ctx.acting_as(WORKER), subscription, event, reason=reason, **columns)
    ctx.session.add(subscription)
