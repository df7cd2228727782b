"""Cancel, undo a cancellation, or go on: for a reader in person, a program or staff. It answers earlier requests of the reader."""

from datetime import datetime

from billing.billing_run.due_actions import process_due
from billing.changes import cancel
from billing.changes.cancel import UNDONE, When
from billing.changes.give_back import GiveBack, due_back
from billing.platform.actors import ReaderActor
from billing.platform.context import TransactionContext
from billing.staff import facts, open_requests
from billing.subscriptions.change import lock
from billing.subscriptions.find import live_of
from billing.subscriptions.models import Subscription

KEPT = "The reader, signed in, says that the subscription goes on."
TAKEN_BACK = "The cancellation was taken back, and the subscription goes on."


def cancel_for_reader(
    ctx: TransactionContext,
    subscription_id: str,
    *,
    asked_at: datetime,
    reason: str,
    when: When = When.PERIOD_END,
    give_back: GiveBack = GiveBack.AUTO,
    may_return: bool = True,
) -> Subscription:
    """Cancel, counted from `asked_at` or from a form that asked for it shortly before. Such forms are closed.

    Older forms wait for staff, who decide about what was charged since. So does a form that would give money back, where
    `give_back` is none or not `may_return`. Raises as `changes.cancel.cancel`."""
    subscription = lock(ctx.session, subscription_id)
    first_asked_at = open_requests.asked_first(ctx.session, subscription, asked_at)
    returns = may_return and give_back is not GiveBack.NONE
    if returns or not due_back(ctx.session, subscription, first_asked_at):
        asked_at = first_asked_at
    open_requests.close_to_cancel(ctx, subscription.reader_id, since=asked_at)
    return cancel.cancel(
        ctx, subscription_id, asked_at=asked_at, reason=reason, when=when, give_back=give_back
    )


def undo_for_reader(ctx: TransactionContext, subscription_id: str, *, reason: str = UNDONE) -> Subscription:
    """Take a cancellation back, and close the reader's requests to end the subscription.

    Raises NothingToUndo, DisputeOpen, UnknownSubscription."""
    subscription = lock(ctx.session, subscription_id)
    cancel.refuse_undo(ctx, subscription)
    open_requests.close_as_kept(ctx, subscription, TAKEN_BACK)
    cancel.undo(ctx, subscription_id, reason=reason)
    if subscription.next_action_at is not None and subscription.next_action_at <= ctx.at:
        process_due(ctx, subscription)  # a notice missed meanwhile moves the day that the mail names
    cancel.confirm_undo(ctx, subscription)
    return subscription


def keep(ctx: TransactionContext, reader_id: str) -> bool:
    """Close the requests to end the subscription of a signed-in reader who keeps it; whether it goes on. A cancelled one stays
    cancelled. Raises UnknownReader."""
    facts.lock_reader(ctx.session, reader_id)
    running = live_of(ctx.session, reader_id)
    if running is None or running.cancel_asked_at is not None:
        return False
    open_requests.close_as_kept(ctx.acting_as(ReaderActor(reader_id)), running, KEPT)
    return True
