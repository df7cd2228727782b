"""Stop the renewals of a reader whose bank disputes a charge, through `subscriptions/change`, with a mail that says so."""

from sqlmodel import Session, col, select

from billing.changes.cancel import end_of_access, void_open_invoice
from billing.notices.payment import charge_disputed
from billing.payments import payment_page
from billing.payments.models import Invoice
from billing.platform.actors import Acquirer
from billing.platform.context import TransactionContext
from billing.rules.lifecycle import Event, State
from billing.subscriptions.change import change, lock
from billing.subscriptions.find import live_of
from billing.subscriptions.models import Subscription, SubscriptionChange


def stop_renewals(
    ctx: TransactionContext, reader_id: str, *, by: Acquirer, reason: str, only: str | None = None
) -> bool:
    """Charge nothing more (DIS-1); reading goes on to the end of what is free or paid for. Whether there was something to stop.

    `only`: stop this subscription and no later one, so that a decision doesn't stop a reader who started again.
    A charge under way is returned when it is settled, as after any cancellation."""
    subscription = _live(ctx.session, reader_id)
    if subscription is None or subscription.cancel_asked_at is not None:
        return False
    if only not in (None, subscription.id):
        return False
    ends_at = end_of_access(ctx.site, subscription, [], ctx.at)
    change(
        ctx.acting_as(by),
        subscription,
        Event.DISPUTED,
        reason=reason,
        cancel_asked_at=ctx.at,
        cancels_at=ends_at,
        access_until=min(ends_at, subscription.access_until),
    )
    _abandon_debt(ctx, subscription)
    charge_disputed(ctx, subscription, occasion=ctx.at.isoformat())
    return True


def _abandon_debt(ctx: TransactionContext, subscription: Subscription) -> None:
    void_open_invoice(ctx.session, subscription)
    payment_page.close_soon(ctx, subscription.id)


def has_stopped(session: Session, reader_id: str, reason: str) -> bool:
    """Whether this reason has stopped renewals before. Old news mustn't stop a reader who goes on since a decision."""
    stop = (
        select(SubscriptionChange.id)
        .join(Subscription, col(Subscription.id) == SubscriptionChange.subscription_id)
        .where(
            Subscription.reader_id == reader_id,
            SubscriptionChange.event == Event.DISPUTED,
            SubscriptionChange.reason == reason,
        )
    )
    return session.exec(stop.limit(1)).first() is not None


def end_what_was_not_paid(ctx: TransactionContext, invoice: Invoice, *, by: Acquirer) -> None:
    """End reading at once, with a mail, where the bank took back the money of the period that runs."""
    subscription = _live(ctx.session, invoice.reader_id)
    if (
        subscription is None
        or subscription.id != invoice.subscription_id
        or subscription.period_number != invoice.period_number
    ):
        return
    change(
        ctx.acting_as(by),
        subscription,
        Event.ENDED_NOW,
        reason=f"the bank took back the payment of invoice {invoice.id}",
        cancel_asked_at=subscription.cancel_asked_at or ctx.at,
        cancels_at=ctx.at,
        access_until=min(ctx.at, subscription.access_until),
    )
    _abandon_debt(ctx, subscription)
    charge_disputed(ctx, subscription, occasion=f"lost:{invoice.id}", taken_back=True)


def _live(session: Session, reader_id: str) -> Subscription | None:
    found = live_of(session, reader_id)
    if found is None:
        return None
    subscription = lock(session, found.id)
    return None if subscription.state is State.ENDED else subscription
