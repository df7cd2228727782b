"""Taking a cancellation back late moves the day of the charge, as its notices can't be in time: once in a trial or year.

Otherwise a reader could cancel before each notice, take that back after it, and read for ever (CARD-4, CPA-2)."""

from datetime import datetime
from itertools import pairwise

from sqlmodel import Session, col, select

from billing.mail import outbox
from billing.notices.trial import trial_notice_key
from billing.platform.context import TransactionContext
from billing.rules import notices, periods, term, trial
from billing.rules.lifecycle import Event, State
from billing.rules.notices import Notice
from billing.subscriptions.models import Subscription, SubscriptionChange
from emails.languages import say

MOVED = (Event.TRIAL_EXTENDED, Event.TERM_EXTENDED)
ONCE = say(
    "Taking a cancellation back has moved the next charge once already, and would move it again, because it is too late for"
    " its notices. So the cancellation stays: nothing is charged, and reading goes on to the last day that was confirmed."
)


def moves(ctx: TransactionContext, subscription: Subscription) -> bool:
    """Whether taking a cancellation back now moves the day of the charge: one of its notices is missing, and late."""
    s = subscription
    in_trial = s.state is State.TRIALING
    if not in_trial and not (s.state is State.ACTIVE and s.is_fixed_term):
        return False
    on = s.charge_on if in_trial else s.period_end_on or s.charge_on
    charge_at = trial.charge_at(on, ctx.zone)
    if not in_trial and s.term_notice_at is None:
        return ctx.at > term.window(on, ctx.zone).closes_at
    if s.first_notice_at is None:
        return ctx.at > notices.window(Notice.FIRST, charge_at).closes_at
    if s.second_notice_at is None:
        second = notices.window(Notice.SECOND, charge_at)
        missed = in_trial and ctx.at >= second.aim_at and first_notice_missed(ctx, s)
        return ctx.at > second.closes_at or missed
    return False


def moves_again(ctx: TransactionContext, subscription: Subscription) -> bool:
    """Whether it would move, and an undo has moved it already in this trial or year."""
    s = subscription
    if not moves(ctx, s):
        return False
    began_at = periods.start_of_day(s.period_start_on, ctx.zone) if s.period_start_on else s.started_at
    lines = ctx.session.exec(
        select(SubscriptionChange.event, SubscriptionChange.at)
        .where(SubscriptionChange.subscription_id == s.id, SubscriptionChange.at >= began_at)
        .order_by(col(SubscriptionChange.id))
    ).all()
    # an undo moves the charge in its own transaction: the next line of history has the same instant
    return any(
        event is Event.CANCEL_UNDONE and following in MOVED and at == following_at
        for (event, at), (following, following_at) in pairwise(lines)
    )


def first_notice_missed(ctx: TransactionContext, subscription: Subscription) -> bool:
    """Whether the first notice of a trial's charge was queued, and not accepted in its window."""
    accepted_at = notice_accepted_at(ctx.session, subscription, Notice.FIRST)
    window = notices.window(Notice.FIRST, trial.charge_at(subscription.charge_on, ctx.zone))
    return accepted_at is None or not window.holds(accepted_at)


def notice_accepted_at(session: Session, subscription: Subscription, which: Notice) -> datetime | None:
    """When the reader's mail server accepted that notice of the trial's charge."""
    return outbox.accepted_at(session, trial_notice_key(which, subscription.id, subscription.charge_on))
