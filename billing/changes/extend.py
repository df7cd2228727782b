"""More days, given by staff: the trial, or the paid period, ends later, and so does the next charge."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from billing.changes import term_notice_sent
from billing.changes.refusals import AlreadyEnded, ChargeUnderWay, IsCancelled, IsOwing, IsPaused
from billing.notices.access import days_added
from billing.notices.term import term_ending
from billing.notices.trial import trial_started
from billing.payments import postings
from billing.platform.context import TransactionContext
from billing.platform.errors import Invalid
from billing.platform.site import Site
from billing.rules import notices, periods, term, trial
from billing.rules.lifecycle import Event, State
from billing.rules.term import Announced
from billing.subscriptions.change import change, lock
from billing.subscriptions.models import Subscription, TermsChangeReason
from billing.subscriptions.patch import SubscriptionPatch
from billing.subscriptions.schedule import pause_is_ahead


class NoExtraDays(Invalid):
    """Give at least one day."""

    code = "no_days"


@dataclass(frozen=True, slots=True)
class Extension:
    """What an extension leads to: the first day that is not free or paid any more, which is the day of the next charge; and
    of a year, which notice of its end was written, and what becomes of it."""

    before: date
    after: date
    said: term_notice_sent.NoticeSent | None = None
    announced: Announced | None = None


def preview(ctx: TransactionContext, subscription: Subscription, days: int) -> Extension:
    """What so many days would do. What ends with notices that can't be sent in time for the new day, a trial or a year, moves on
    until they can (CARD-4, CPA-2).

    Raises NoDays, AlreadyEnded, IsCancelled, IsPaused, IsOwing, ChargeUnderWay."""
    s = subscription
    if days < 1:
        raise NoExtraDays
    if s.state is State.ENDED:
        raise AlreadyEnded
    if s.cancels_at is not None:
        raise IsCancelled
    if s.state is State.PAUSED:
        raise IsPaused
    if s.charging_since is not None:
        raise ChargeUnderWay
    if s.state is State.TRIALING:
        return Extension(
            s.charge_on, _with_both_notices(ctx.site, s.charge_on + timedelta(days=days), ctx.at)
        )
    if s.state is State.PAST_DUE or s.period_end_on is None:
        raise IsOwing
    after = s.period_end_on + timedelta(days=days)
    return _of_a_year(ctx, s, after) if s.is_fixed_term else Extension(s.period_end_on, after)


def _with_both_notices(site: Site, after: date, at: datetime) -> date:
    """That day, or the first one for which both notices before a charge can still be sent."""
    closes_at = notices.window(notices.Notice.FIRST, trial.charge_at(after, site.zone)).closes_at
    return max(after, trial.extended_charge_on(site.today(at))) if at > closes_at else after


def _of_a_year(ctx: TransactionContext, subscription: Subscription, after: date) -> Extension:
    """A few days unsay nothing that was told in time. Whoever chose what comes next needs no notice of it."""
    s, after = subscription, _with_both_notices(ctx.site, after, ctx.at)
    said = term_notice_sent.of_this_year(ctx, s)
    told_at = said.accepted_at if said is not None else None
    announced = term.announced_after(told_at, after, ctx.at, ctx.zone)
    if announced is Announced.LATE:
        if s.next_terms_reason is TermsChangeReason.SWITCH and s.term_notice_at is not None:
            announced = Announced.STANDS
        else:
            announced, after = Announced.AFRESH, max(after, term.extended_end(ctx.today))
    return Extension(s.period_end_on or s.charge_on, after, said, announced)


def _still_told(ctx: TransactionContext, subscription: Subscription, seen: Extension) -> SubscriptionPatch:
    """The columns that keep what was told of a year's end."""
    if seen.announced not in (Announced.STANDS, Announced.CORRECTED):
        return {}
    columns: SubscriptionPatch = {"term_notice_at": subscription.term_notice_at or ctx.at}
    if seen.said is not None and subscription.next_terms_reason is not TermsChangeReason.SWITCH:
        columns |= term_notice_sent.terms_of(ctx.session, subscription, seen.said)
    return columns


def extend(ctx: TransactionContext, subscription_id: str, days: int, *, reason: str) -> Subscription:
    """Give the days, and say so by mail. Notices for another day are sent anew; later periods are counted from the new end.

    Raises as `preview`, and UnknownSubscription."""
    subscription = lock(ctx.session, subscription_id)
    seen = preview(ctx, subscription, days)
    after = seen.after
    columns: SubscriptionPatch = {
        "charge_on": after,
        "access_until": periods.start_of_day(after, ctx.zone),
    }
    if subscription.state is State.TRIALING:
        columns |= {"first_notice_at": None, "second_notice_at": None}
    else:
        columns |= moved_to(subscription, after) | _still_told(ctx, subscription, seen)
        if subscription.resumes_on is not None and pause_is_ahead(subscription):
            # the pause begins later, and is as long as was chosen: no day given is one less of it
            columns |= {"resumes_on": subscription.resumes_on + (after - seen.before)}
        postings.days_given(ctx, subscription_id, before=seen.before, after=after)
    change(ctx, subscription, Event.EXTENDED, reason=reason, **columns)
    if subscription.state is State.TRIALING:
        trial_started(ctx, subscription)
    days_added(ctx, subscription, after)
    if seen.said is not None and seen.announced is Announced.CORRECTED:
        month = term_notice_sent.month(ctx.session, subscription, seen.said)
        term_ending(ctx, subscription, month, corrects=True)
    ctx.session.add(subscription)
    return subscription


def moved_to(subscription: Subscription, on: date) -> SubscriptionPatch:
    """The columns that make `on` the first day after what is held: later periods are counted from there, and the
    notices of a term's end are sent anew, unless the caller knows that they still hold."""
    columns: SubscriptionPatch = {
        "period_end_on": on,
        "charge_on": on,
        "anchor_number": subscription.period_number + 1,
        "anchor_months": 0,
    }
    if subscription.is_fixed_term:
        columns |= {"term_notice_at": None, "first_notice_at": None, "second_notice_at": None}
    if subscription.next_terms_reason is TermsChangeReason.SWITCH:
        columns |= {"next_terms_on": on}
    if subscription.next_terms_reason is TermsChangeReason.TERM:
        columns |= {"next_price_id": None, "next_terms_on": None, "next_terms_reason": None}
    return columns
