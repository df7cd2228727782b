"""Cancel, and undo it. A cancellation counts from the moment of asking; money taken after that goes back."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlmodel import Session

from billing.changes import postpone
from billing.changes.give_back import GiveBack, paid_for, return_money
from billing.changes.next_terms import announce_price_again
from billing.changes.refusals import AlreadyEnded
from billing.notices.cancellation import cancellation_undone, subscription_cancelled
from billing.notices.pause import pause_confirmed
from billing.notices.term import term_left
from billing.notices.trial import trial_started
from billing.payments import payment_page
from billing.payments.dispute_limits import is_taken, open_of, refuse_while_open
from billing.payments.invoices import mark_void, open_invoice
from billing.payments.models import Invoice, Payment
from billing.payments.refund_models import Refund
from billing.platform.context import TransactionContext
from billing.platform.errors import Conflict, Invalid
from billing.platform.site import Site
from billing.refunds import refund
from billing.rules import clocks, periods, term, trial
from billing.rules.card_numbers import without_card_numbers
from billing.rules.lifecycle import Event, State
from billing.subscriptions.change import SubscriptionPatch, change, lock
from billing.subscriptions.models import Subscription
from billing.subscriptions.schedule import next_charge, paid_until, pause_is_ahead
from emails.languages import named

UNDONE = "cancellation undone"
LEFT = named("refund reason", "You left your year early, and the days after your last one are returned.")


class When(StrEnum):
    """When reading stops."""

    PERIOD_END = "period_end"
    EARLY = "early"
    """A paid year is left with the notice that the law allows; the days after it go back (CPA-2)."""
    NOW = "now"


class BadMoment(Invalid):
    """A cancellation can't have been asked in the future, nor before the subscription began."""

    code = "bad_moment"


class NothingToUndo(Conflict):
    """There is no cancellation that could still be undone."""

    code = "nothing_to_undo"


class NothingToGiveBack(Conflict):
    """It is cancelled already, and its last charge has gone back, or there was none."""

    code = "nothing_to_give_back"


class NothingToLeave(Conflict):
    """Only a year that is paid can be left early, and only while days of it would be left over."""

    code = "nothing_to_leave"


def cancel(
    ctx: TransactionContext,
    subscription_id: str,
    *,
    asked_at: datetime,
    reason: str,
    when: When = When.PERIOD_END,
    give_back: GiveBack = GiveBack.AUTO,
) -> Subscription:
    """Cancel as of `asked_at`. Reading goes on to the end of what is free or paid, unless `when` says otherwise. Open retries end,
    charges since then go back, and a charge under way goes back when it is settled. Asking twice changes nothing, but the
    earlier moment counts: a letter may be found late. The last charge may still be asked back later, once. Raises AlreadyEnded,
    BadMoment, ChargedSince, NothingToGiveBack, NothingToLeave, UnknownSubscription."""
    subscription = lock(ctx.session, subscription_id)
    reason = without_card_numbers(reason)  # masked, not refused: no comment stops a cancellation
    if subscription.state is State.ENDED:
        raise AlreadyEnded
    asked_at = moment_of_asking(subscription, asked_at, ctx.at)
    left = _left_over(ctx, subscription, asked_at) if when is When.EARLY else None
    before = subscription.cancel_asked_at
    again = before is not None and before <= asked_at
    asked_at = min(asked_at, before or asked_at)
    if again and when is When.PERIOD_END and give_back is not GiveBack.LAST:
        return subscription
    returning = return_money(ctx, subscription, asked_at, give_back)
    returned = [_invoice_of(ctx.session, row) for row in returning]
    if again and when is When.PERIOD_END and not returned:
        raise NothingToGiveBack
    left = None if returned else left  # the whole payment goes back, not only the days left over
    event, ends_at = Event.CANCEL_ASKED, end_of_access(ctx.site, subscription, returned, ctx.at)
    if left is not None:
        ends_at, returning = left.ends_at, _give_back_rest(ctx, left)
    elif when is When.NOW:
        event, ends_at = Event.ENDED_NOW, ctx.at
    _end(ctx, subscription, event, reason, asked_at, ends_at)
    if left is not None:
        term_left(ctx, subscription, left.cents, returning)
    else:
        subscription_cancelled(ctx, subscription, returning)
    return subscription


def _end(
    ctx: TransactionContext,
    subscription: Subscription,
    event: Event,
    reason: str,
    asked_at: datetime,
    ends_at: datetime,
) -> None:
    access_until = min(ends_at, subscription.access_until)
    change(
        ctx,
        subscription,
        event,
        reason=reason,
        cancel_asked_at=asked_at,
        cancels_at=ends_at,
        access_until=access_until,
    )
    void_open_invoice(ctx.session, subscription)
    payment_page.close_soon(ctx, subscription.id)


def moment_of_asking(subscription: Subscription, asked_at: datetime, at: datetime) -> datetime:
    """The moment from which a cancellation asked at `asked_at` counts: within the subscription's life by our clock, as other
    clocks may have written both ends. Raises BadMoment where it lies outside by more than clocks differ."""
    found = clocks.between(asked_at, subscription.started_at, at)
    if found is None:
        raise BadMoment
    return found


def end_of_access(site: Site, subscription: Subscription, returned: list[Invoice], at: datetime) -> datetime:
    """The end of the trial, or of the paid period without what goes back. Never before now, nor after the end of an earlier
    cancellation: a reader who left a year early has the money for the days after it."""
    s = subscription
    if s.state is State.TRIALING:
        ends_at = max(at, trial.free_until(s.charge_on, site.zone))
    elif s.state in (State.PAST_DUE, State.PAUSED) or s.period_end_on is None:
        ends_at = at
    else:
        end_on = min([invoice.period_start_on for invoice in returned], default=paid_until(s, site.today(at)))
        ends_at = max(at, periods.start_of_day(end_on, site.zone))
    return ends_at if s.cancels_at is None else min(ends_at, s.cancels_at)


@dataclass(frozen=True, slots=True)
class Leaving:
    """What leaving a paid year does: when reading ends, and the cents of its payment that go back."""

    payment: Payment
    cents: int
    ends_at: datetime


def leaving(ctx: TransactionContext, subscription: Subscription, asked_at: datetime) -> Leaving | None:
    """What leaving the year would do; None without a paid year, or where no days would be left over. The notice runs from the
    moment of asking, even where it is entered later (CPA-2). Days read by then stay paid."""
    s = subscription
    if not s.is_fixed_term or s.state is not State.ACTIVE or s.period_end_on is None:
        return None
    if s.cancels_at is not None and not can_undo(ctx.site, s, ctx.at):
        return None
    paid = [
        (payment, invoice)
        for payment, invoice, _ in paid_for(ctx.session, s)
        if invoice.period_number == s.period_number
    ]
    if not paid:
        return None
    ((payment, invoice),) = paid
    if is_taken(ctx.session, payment):
        return None
    last_day = max(ctx.today, term.leaves_on(ctx.site.today(asked_at), ctx.site.policy.term_notice_days))
    unused = term.unused_cents(payment.amount, invoice.period_start_on, invoice.period_end_on, last_day)
    cents = min(unused, refund.left_of(ctx.session, payment))
    if not cents:
        return None
    return Leaving(payment, cents, periods.start_of_day(last_day + timedelta(days=1), ctx.zone))


def _left_over(ctx: TransactionContext, subscription: Subscription, asked_at: datetime) -> Leaving:
    left = leaving(ctx, subscription, asked_at)
    if left is None:
        raise NothingToLeave
    return left


def _give_back_rest(ctx: TransactionContext, left: Leaving) -> list[Refund]:
    leave = f"leave:{left.payment.id}"
    part = refund.intend(ctx, left.payment, amount=left.cents, cause=leave, reason=LEFT)
    return [part] if part is not None else []


def _invoice_of(session: Session, returning: Refund) -> Invoice:
    return session.get_one(Invoice, session.get_one(Payment, returning.payment_id).invoice_id)


def void_open_invoice(session: Session, subscription: Subscription) -> None:
    """End open retries. A charge under way keeps its invoice: settling needs it."""
    invoice = open_invoice(session, subscription.id)
    if invoice is not None and subscription.charging_since is None:
        mark_void(session, invoice)


def can_undo(site: Site, subscription: Subscription, at: datetime) -> bool:
    """Whether a cancellation can be taken back: while reading goes on, and no paid money has gone back for it."""
    s = subscription
    if s.state is State.ENDED or s.cancels_at is None or s.cancels_at <= at:
        return False
    paid = s.state is State.ACTIVE and s.period_end_on is not None
    return not paid or s.cancels_at >= periods.start_of_day(paid_until(s, site.today(at)), site.zone)


def may_undo(ctx: TransactionContext, subscription: Subscription) -> bool:
    """Whether `can_undo`, no bank disputes a payment, and the undo doesn't move the charge a second time."""
    return (
        can_undo(ctx.site, subscription, ctx.at)
        and open_of(ctx.session, subscription.reader_id) is None
        and not postpone.moves_again(ctx, subscription)
    )


def refuse_undo(ctx: TransactionContext, subscription: Subscription) -> None:
    """Raises NothingToUndo, DisputeOpen."""
    if not can_undo(ctx.site, subscription, ctx.at):
        raise NothingToUndo
    refuse_while_open(ctx.session, subscription.reader_id)
    if postpone.moves_again(ctx, subscription):
        raise NothingToUndo(postpone.ONCE)


def undo(ctx: TransactionContext, subscription_id: str, *, reason: str = UNDONE) -> Subscription:
    """Take a cancellation back while the trial or the period runs; a planned pause or plan is planned again.

    Actions that are due by now may move the day of the charge: the caller does them first, and calls `confirm_undo` then.
    Raises NothingToUndo, DisputeOpen."""
    subscription = lock(ctx.session, subscription_id)
    refuse_undo(ctx, subscription)
    columns = SubscriptionPatch(cancel_asked_at=None, cancels_at=None)
    if subscription.charge_day_from is not None and subscription.period_end_on is not None:
        # the free days up to a chosen day, which a cancellation before them had taken
        columns["access_until"] = periods.start_of_day(subscription.period_end_on, ctx.zone)
    change(ctx, subscription, Event.CANCEL_UNDONE, reason=reason, **columns)
    return subscription


def confirm_undo(ctx: TransactionContext, subscription: Subscription) -> None:
    """Mail the reader that the subscription goes on, and the day of the next charge."""
    if subscription.state is State.TRIALING:
        trial_started(ctx, subscription)
    announce_price_again(ctx, subscription)
    charge = next_charge(subscription, ctx.zone)
    if charge is not None:
        cancellation_undone(ctx, subscription, charge.on)
    if pause_is_ahead(subscription):
        pause_confirmed(ctx, subscription)
