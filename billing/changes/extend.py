"""More days, given by staff: the trial, or the paid period, ends later, and so does the next charge."""

from dataclasses import dataclass
from datetime import date, timedelta

from billing.changes import term_notice_sent
from billing.changes.refusals import IsOwing, IsPaused, refuse_unless_live, refuse_while_charging
from billing.notices.access import days_added
from billing.notices.term import term_ending
from billing.notices.trial import trial_started
from billing.payments import postings
from billing.platform.context import TransactionContext
from billing.platform.errors import Invalid
from billing.rules import notices, periods, term, trial
from billing.rules.lifecycle import Event, State
from billing.rules.term import Announced
from billing.subscriptions.change import SubscriptionPatch, change, lock
from billing.subscriptions.models import Subscription, TermsChangeReason
from billing.subscriptions.schedule import pause_is_ahead

NOTHING_NEXT: SubscriptionPatch = {"next_price_id": None, "next_terms_on": None, "next_terms_because": None}
"""No other terms begin with a later period."""
NOTICES_DUE: SubscriptionPatch = {"term_notice_at": None, "first_notice_at": None, "second_notice_at": None}
"""The notices of a term's end, and of the charge after it, are due again."""


class NoExtraDays(Invalid):
    """Give at least one day."""

    code = "no_days"


@dataclass(frozen=True, slots=True)
class Extension:
    """What an extension leads to: the first day that isn't free or paid, which is the day of the next charge, `before` and
    `after` it; of a year also the notice of its end, and what becomes of that."""

    before: date
    after: date
    notice: term_notice_sent.NoticeSent | None = None
    announced: Announced | None = None


def preview(ctx: TransactionContext, subscription: Subscription, days: int) -> Extension:
    """What so many days would do. A trial or a year ends even later where its notices would be late for that day (CARD-4,
    CPA-2).

    Raises NoExtraDays, AlreadyEnded, IsCancelled, IsPaused, IsOwing, ChargeUnderWay."""
    s = subscription
    if days < 1:
        raise NoExtraDays
    refuse_unless_live(s)
    if s.state is State.PAUSED:
        raise IsPaused
    refuse_while_charging(s)
    if s.state is State.TRIALING:
        return Extension(s.charge_on, _with_both_notices(ctx, s.charge_on + timedelta(days=days)))
    if s.state is State.PAST_DUE or s.period_end_on is None:
        raise IsOwing
    after = s.period_end_on + timedelta(days=days)
    return _of_a_year(ctx, s, after) if s.is_fixed_term else Extension(s.period_end_on, after)


def _with_both_notices(ctx: TransactionContext, after: date) -> date:
    """That day, or the first one for which both notices before a charge can still be in time."""
    closes_at = notices.window(notices.Notice.FIRST, trial.charge_at(after, ctx.zone)).closes_at
    return max(after, trial.extended_charge_on(ctx.today)) if ctx.at > closes_at else after


def _of_a_year(ctx: TransactionContext, subscription: Subscription, after: date) -> Extension:
    """Extra days don't invalidate a notice that arrived in time. A reader who has switched plans needs none."""
    s, after = subscription, _with_both_notices(ctx, after)
    notice = term_notice_sent.of_this_year(ctx, s)
    announced = term.announced_after(notice.accepted_at if notice else None, after, ctx.at, ctx.zone)
    if announced is Announced.LATE:
        if s.next_terms_because is TermsChangeReason.SWITCH and s.term_notice_at is not None:
            announced = Announced.STANDS
        else:
            announced, after = Announced.AFRESH, max(after, term.extended_end(ctx.today))
    return Extension(s.period_end_on or s.charge_on, after, notice, announced)


def _still_announced(
    ctx: TransactionContext, subscription: Subscription, seen: Extension
) -> SubscriptionPatch:
    """The columns that keep a notice of a year's end valid."""
    if seen.announced not in (Announced.STANDS, Announced.CORRECTED):
        return {}
    columns: SubscriptionPatch = {"term_notice_at": subscription.term_notice_at or ctx.at}
    if seen.notice is not None and subscription.next_terms_because is not TermsChangeReason.SWITCH:
        columns |= term_notice_sent.announced_terms(ctx.session, subscription, seen.notice)
    return columns


def columns_of(ctx: TransactionContext, subscription: Subscription, seen: Extension) -> SubscriptionPatch:
    """The columns that change with this extension. Changes nothing."""
    after = seen.after
    columns: SubscriptionPatch = {"charge_on": after, "access_until": periods.start_of_day(after, ctx.zone)}
    if subscription.state is State.TRIALING:
        columns |= {"first_notice_at": None, "second_notice_at": None}
        if subscription.next_price_id is not None:
            columns |= {"next_terms_on": after}
        return columns
    columns |= moved_to(subscription, after) | _still_announced(ctx, subscription, seen)
    if subscription.resumes_on is not None and pause_is_ahead(subscription):
        # the pause begins later, and keeps its length
        columns |= {"resumes_on": subscription.resumes_on + (after - seen.before)}
    return columns


def extend(ctx: TransactionContext, subscription_id: str, days: int, *, reason: str) -> Subscription:
    """Give the days, and mail the reader. Notices are sent again for the new day; later periods are counted from the new end.

    Raises as `preview`, and UnknownSubscription."""
    subscription = lock(ctx.session, subscription_id)
    seen = preview(ctx, subscription, days)
    after, columns = seen.after, columns_of(ctx, subscription, seen)
    if subscription.state is not State.TRIALING:
        postings.days_given(ctx, subscription_id, before=seen.before, after=after)
    change(ctx, subscription, Event.EXTENDED, reason=reason, **columns)
    if subscription.state is State.TRIALING:
        trial_started(ctx, subscription)
    days_added(ctx, subscription, after)
    if seen.notice is not None and seen.announced is Announced.CORRECTED:
        month = term_notice_sent.announced_price(ctx.session, subscription, seen.notice)
        term_ending(ctx, subscription, month, corrects=True)
    return subscription


def moved_to(subscription: Subscription, on: date) -> SubscriptionPatch:
    """The columns that make `on` the first day after what is paid. Later periods are counted from there. Notices of a term's end
    are due again, unless the caller knows that they still hold."""
    columns: SubscriptionPatch = {
        "period_end_on": on,
        "charge_on": on,
        "anchor_number": subscription.period_number + 1,
        "anchor_months": 0,
        "charge_day_from": None,
    }
    if subscription.is_fixed_term:
        columns |= NOTICES_DUE
    if subscription.next_terms_because is TermsChangeReason.SWITCH:
        columns |= {"next_terms_on": on}
    if subscription.next_terms_because is TermsChangeReason.TERM:
        columns |= NOTHING_NEXT
    return columns
