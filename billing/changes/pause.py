"""A pause with a last day: no charge and no reading. The subscription goes on by itself, announced a week ahead."""

from datetime import date, datetime

from billing.changes import unreached
from billing.changes.extend import moved_to
from billing.changes.outcome import ActionOutcome
from billing.changes.refusals import IsOwing, refuse_unless_live, refuse_while_charging
from billing.mail.outbox import accepted_at
from billing.notices.pause import pause_confirmed, pause_ending, pause_notice_key
from billing.notices.plan import choice_undone
from billing.platform.actors import WORKER
from billing.platform.context import TransactionContext
from billing.platform.errors import Conflict, Invalid
from billing.platform.site import Site
from billing.rules import notices, pause, periods, trial
from billing.rules.lifecycle import Event, State
from billing.rules.pause import PauseSpan
from billing.subscriptions.change import change, lock, mark
from billing.subscriptions.models import Subscription, TermsChangeReason
from billing.subscriptions.schedule import next_charge, pause_is_ahead


class BadPause(Invalid):
    """A pause lasts whole months, from one up to as many as the house allows."""

    code = "bad_pause"


class CannotPause(Conflict):
    """A trial, or a year that is paid, can't be paused: nothing is charged in it. A change of plan has to be undone first."""

    code = "cannot_pause"


class AlreadyPaused(Conflict):
    """It is paused already, or will be."""

    code = "already_paused"


class NotPaused(Conflict):
    """There is no pause to end."""

    code = "not_paused"


def preview(site: Site, subscription: Subscription, months: int, at: datetime, *, most: int) -> PauseSpan:
    """The pause of so many months. Raises BadPause, CannotPause, AlreadyPaused, AlreadyEnded, IsCancelled, IsOwing, ChargeUnderWay."""
    s = subscription
    if not 1 <= months <= most:
        raise BadPause
    refuse_unless_live(s)
    if s.state is State.PAUSED or pause_is_ahead(s):
        raise AlreadyPaused
    refuse_while_charging(s)
    if s.state is State.PAST_DUE:
        raise IsOwing
    if s.state is not State.ACTIVE or s.is_fixed_term or s.period_end_on is None:
        raise CannotPause
    if s.next_terms_because is TermsChangeReason.SWITCH or s.period_end_on <= site.today(at):
        raise CannotPause
    return pause.of(s.period_end_on, months)


def request_pause(
    ctx: TransactionContext, subscription_id: str, months: int, *, reason: str, most: int
) -> Subscription:
    """Pause from the end of what is paid. Raises as `preview`, and UnknownSubscription."""
    subscription = lock(ctx.session, subscription_id)
    found = preview(ctx.site, subscription, months, ctx.at, most=most)
    change(ctx, subscription, Event.PAUSE_ASKED, reason=reason, resumes_on=found.resumes_on)
    pause_confirmed(ctx, subscription)
    return subscription


def goes_on(site: Site, subscription: Subscription, at: datetime) -> date:
    """The day of the next charge if the pause is undone, or ended, now. Raises NotPaused."""
    if subscription.state is State.PAUSED:
        return site.today(at)
    if not pause_is_ahead(subscription) or subscription.period_end_on is None:
        raise NotPaused
    return subscription.period_end_on


def undo(ctx: TransactionContext, subscription_id: str, *, reason: str) -> Subscription:
    """Undo a pause before it begins. One that has begun ends now: the next period begins, with its charge.

    Raises NotPaused, UnknownSubscription."""
    subscription = lock(ctx.session, subscription_id)
    if subscription.state is State.PAUSED:
        _resume(ctx, subscription, ctx.today, reason)
        return subscription
    if not pause_is_ahead(subscription):
        raise NotPaused
    change(ctx, subscription, Event.PAUSE_UNDONE, reason=reason, resumes_on=None)
    charge = next_charge(subscription, ctx.zone)
    if charge is not None:
        choice_undone(ctx, subscription, "pause", charge.on)
    return subscription


def begin(ctx: TransactionContext, subscription: Subscription) -> ActionOutcome:
    """Begin a pause: what was paid has ended."""
    change(
        ctx.acting_as(WORKER),
        subscription,
        Event.PAUSED,
        reason="what was paid has ended",
        first_notice_at=None,
        second_notice_at=None,
    )
    return ActionOutcome.PAUSED


def announce(ctx: TransactionContext, subscription: Subscription) -> ActionOutcome:
    """Announce the end of the pause and its charge. Too late for that, the pause lasts longer."""
    s = subscription
    charge_at = trial.charge_at(s.resumes_on or s.charge_on, ctx.zone)
    if ctx.at > notices.window(notices.Notice.FIRST, charge_at).closes_at:
        return _extend(ctx, s)
    pause_ending(ctx, s)
    mark(s, ctx.zone, first_notice_at=ctx.at)
    return ActionOutcome.NOTIFIED


def end(ctx: TransactionContext, subscription: Subscription) -> ActionOutcome:
    """Begin the next period, if its charge was announced in time: no notice, no charge (CARD-4).

    A worker that runs days late begins it today, so that no reader pays for days without reading."""
    s = subscription
    on = s.resumes_on or s.charge_on
    accepted = accepted_at(ctx.session, pause_notice_key(s.id, on))
    window = notices.window(notices.Notice.FIRST, trial.charge_at(on, ctx.zone))
    if accepted is None or not window.holds(accepted):
        if unreached.is_final(ctx, s):
            return unreached.end(ctx, s)
        return _extend(ctx, s)
    _resume(ctx.acting_as(WORKER), s, max(on, ctx.today), "the pause is over")
    return ActionOutcome.RESUMED


def _resume(ctx: TransactionContext, subscription: Subscription, on: date, reason: str) -> None:
    """End the pause with that day. It is read from its first hour, before the charge at 09:00, as before any renewal."""
    columns = moved_to(subscription, on) | {
        "resumes_on": None,
        "access_until": periods.start_of_day(on, ctx.zone),
    }
    change(ctx, subscription, Event.PAUSE_ENDED, reason=reason, **columns)


def _extend(ctx: TransactionContext, subscription: Subscription) -> ActionOutcome:
    missed = "the notice of the next charge did not arrive in time"
    change(
        ctx.acting_as(WORKER),
        subscription,
        Event.PAUSE_EXTENDED,
        reason=unreached.extends_because(ctx, subscription, missed),
        resumes_on=trial.extended_charge_on(ctx.today),
        first_notice_at=None,
    )
    return ActionOutcome.EXTENDED
