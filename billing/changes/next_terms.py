"""The terms of the next period: what the reader chose, what follows a year, or a price that was announced in time."""

from datetime import date

from sqlmodel import Session, select

from billing.changes.extend import NOTHING_NEXT, moved_to
from billing.changes.outcome import ActionOutcome
from billing.mail.outbox import accepted_at
from billing.notices.price import price_changing, price_notice_key
from billing.notices.term import term_ending, term_notice_key, term_reminder, term_reminder_key
from billing.payments import postings
from billing.platform.actors import WORKER
from billing.platform.context import TransactionContext
from billing.rules import notices, periods, price_notice, term, trial
from billing.rules.lifecycle import Event
from billing.rules.notices import Notice
from billing.rules.periods import Period
from billing.subscriptions.change import SubscriptionPatch, change, mark_notice
from billing.subscriptions.find import on_sale, terms_of
from billing.subscriptions.models import (
    NoticeState,
    Plan,
    Price,
    PriceNotice,
    Subscription,
    TermsChangeReason,
)
from billing.subscriptions.schedule import nth_period, period_containing


def next_period(session: Session, subscription: Subscription, today: date) -> Period:
    """The period that is charged next: today's, or the first one not paid yet."""
    months = terms_of(session, subscription)[0].months
    current = period_containing(subscription, today, months)
    number = max(current.number, subscription.period_number + 1)
    return nth_period(subscription, number, months)


def begin(ctx: TransactionContext, subscription: Subscription, starts_on: date) -> bool:
    """Begin other terms with a period that starts on that day, if they are due by then; whether they have begun. An announced
    price whose notice wasn't accepted 30 days ago doesn't begin (CARD-8)."""
    s = subscription
    if s.next_price_id is None or s.next_terms_on is None or s.next_terms_on > starts_on:
        return False
    price = ctx.session.get_one(Price, s.next_price_id)
    plan = ctx.session.get_one(Plan, price.plan_id)
    if s.next_terms_because is TermsChangeReason.PRICE and not _price_was_announced(ctx, s):
        _change(ctx, s, Event.PRICE_KEPT, "the notice did not arrive in time", NOTHING_NEXT)
        return False
    columns: SubscriptionPatch = NOTHING_NEXT | {"price_id": price.id}
    if plan.id != s.plan_id or s.is_fixed_term:
        # `settle` sets it when the year is paid: a charge that is made again must not look like the end of a year. Before a first
        # charge no year can end, and `settle` leaves it as it is.
        is_year = s.period_number == 0 and plan.then_plan_id is not None
        columns |= {"plan_id": plan.id, "is_fixed_term": is_year, "term_notice_at": None}
        columns |= _anchored(ctx.session, s, starts_on)
    reason = f"{s.next_terms_because}: {plan.id} at {price.amount} cents"
    _change(ctx, s, Event.TERMS_CHANGED, reason, columns)
    return True


def _anchored(session: Session, subscription: Subscription, starts_on: date) -> SubscriptionPatch:
    """The columns that count later periods from the one that starts then; the anchor's day of the month stays."""
    s = subscription
    found = period_containing(s, starts_on, terms_of(session, s)[0].months)
    ahead = (found.start_on.year - s.charge_on.year) * 12 + found.start_on.month - s.charge_on.month
    return {"anchor_number": max(found.number, s.period_number + 1), "anchor_months": ahead}


def _price_was_announced(ctx: TransactionContext, subscription: Subscription) -> bool:
    """Whether the notice arrived in time; also written on its row."""
    notice = open_notice(ctx.session, subscription.id)
    if notice is None:
        return False
    in_time = price_notice.in_time(accepted_at(ctx.session, price_notice_key(notice.id)), ctx.at)
    notice.state, notice.settled_at = (NoticeState.HOLDS if in_time else NoticeState.KEPT), ctx.at
    return in_time


def open_notice(session: Session, subscription_id: str) -> PriceNotice | None:
    """The notice of a price that hasn't begun yet."""
    return session.exec(
        select(PriceNotice).where(
            PriceNotice.subscription_id == subscription_id, PriceNotice.state == NoticeState.ANNOUNCED
        )
    ).first()


def announce_price_again(ctx: TransactionContext, subscription: Subscription) -> None:
    """Announce the coming price again, after a cancellation or change of plan took its mail back and was undone. Where that can't
    arrive in time any more, the price waits for a later period."""
    notice = open_notice(ctx.session, subscription.id)
    if notice is None or subscription.next_price_id is None:
        return
    if not postpone_price(ctx, subscription, notice):
        price = ctx.session.get_one(Price, subscription.next_price_id)
        price_changing(ctx, subscription, notice, price)


def postpone_price(ctx: TransactionContext, subscription: Subscription, notice: PriceNotice) -> bool:
    """Let an announced price wait for another notice, where no mail server accepted this one and it is too late; whether it
    waits. The caller holds the subscription's lock."""
    if not price_is_late(ctx, notice):
        return False
    notice.state, notice.settled_at = NoticeState.KEPT, ctx.at
    _change(ctx, subscription, Event.PRICE_KEPT, "the notice can't arrive in time any more", NOTHING_NEXT)
    return True


def price_is_late(ctx: TransactionContext, notice: PriceNotice) -> bool:
    """Whether no mail server accepted the notice of a price, and it is too late for another one."""
    accepted = accepted_at(ctx.session, price_notice_key(notice.id))
    charging_at = trial.charge_at(notice.starts_on, ctx.zone)
    return accepted is None and not price_notice.in_time(ctx.at, charging_at)


def announce_end(ctx: TransactionContext, subscription: Subscription) -> ActionOutcome:
    """Announce when the year ends and what follows, 80 to 40 business days ahead (CPA-2). A reader who has switched plans gets it
    too, with what follows otherwise: they may undo the switch when it is too late for a notice."""
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
            "next_terms_because": TermsChangeReason.TERM,
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
    mark_notice(ctx, s, which)
    return ActionOutcome.NOTIFIED


def missing_notice(ctx: TransactionContext, subscription: Subscription) -> str | None:
    """Why the charge after a year can't be made now: a notice of the year's end, or of the charge, is missing; None: it can."""
    s = subscription
    ends_on = s.period_end_on or s.charge_on
    if ctx.today != ends_on:
        return "the announced day passed without a charge"
    if s.next_terms_because is TermsChangeReason.TERM and s.next_terms_on is not None:
        accepted = accepted_at(ctx.session, term_notice_key(s.id, s.next_terms_on))
        # only the window's close counts: an extended year keeps a notice that came before its later window opens
        if accepted is None or accepted > term.window(ends_on, ctx.zone).closes_at:
            return "the notice of the year's end did not arrive in time"
    first, second = (accepted_at(ctx.session, term_reminder_key(which, s.id, ends_on)) for which in Notice)
    return None if notices.in_time(first, second, ctx.at) else "not both notices arrived in time"


def end_is_announced(ctx: TransactionContext, subscription: Subscription) -> bool:
    """Whether the notice of the year's end was accepted, or needn't be as the reader chose what follows."""
    s = subscription
    announced = s.next_terms_because is not TermsChangeReason.TERM or (
        s.next_terms_on is not None
        and accepted_at(ctx.session, term_notice_key(s.id, s.next_terms_on)) is not None
    )
    return s.term_notice_at is not None and announced


def extended_end(ctx: TransactionContext, subscription: Subscription) -> date:
    """The end of a year that is extended today, free of charge: the first day for which its notices can be in time."""
    announced = end_is_announced(ctx, subscription)
    return trial.extended_charge_on(ctx.today) if announced else term.extended_end(ctx.today)


def extend(ctx: TransactionContext, subscription: Subscription, reason: str) -> ActionOutcome:
    """Extend the year, free of charge, until the notices before its charge can be in time."""
    s, end = subscription, extended_end(ctx, subscription)
    if end_is_announced(ctx, s):
        columns = moved_to(s, end) | {"term_notice_at": s.term_notice_at}
        columns |= {
            "next_price_id": s.next_price_id,
            "next_terms_on": s.next_terms_on,
            "next_terms_because": s.next_terms_because,
        }
    else:
        columns = moved_to(s, end)
    columns["access_until"] = periods.start_of_day(end, ctx.zone)
    postings.days_given(ctx, s.id, before=s.period_end_on or s.charge_on, after=end)
    _change(ctx, s, Event.TERM_EXTENDED, reason, columns)
    return ActionOutcome.EXTENDED


def _change(
    ctx: TransactionContext, subscription: Subscription, event: Event, reason: str, columns: SubscriptionPatch
) -> None:
    change(ctx.acting_as(WORKER), subscription, event, reason=reason, **columns)
