"""Cancel as of the moment the reader first asked, and take a cancellation back."""

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from billing.changes import cancel, give_back, postpone
from billing.changes.cancel import When
from billing.changes.give_back import DueBack
from billing.changes.refusals import AlreadyEnded
from billing.payments import numbers
from billing.platform.context import TransactionContext
from billing.rules.lifecycle import State
from billing.staff import open_requests
from billing.staff.acts.shape import Preview, day, format_zar, moment
from billing.staff.cancellations import undo_for_reader
from billing.staff.models import ReaderRequest
from billing.staff.roles import Permission
from billing.subscriptions.change import UnknownSubscription
from billing.subscriptions.find import latest_of, terms_on
from billing.subscriptions.models import Subscription
from billing.subscriptions.schedule import next_charge


@dataclass(frozen=True)
class CancelAct:
    """Counted from `asked_at`: what was charged since then goes back in the same act (CPA-7, ECT-3)."""

    reader_id: str
    asked_at: datetime
    when: When = When.PERIOD_END
    what = Permission.CANCEL

    def preview(self, ctx: TransactionContext, /) -> Preview:
        """What goes back, how long reading goes on, what isn't charged any more. Raises AlreadyEnded, BadMoment, UnknownSubscription."""
        subscription = _subscription(ctx.session, self.reader_id)
        if subscription.state is State.ENDED:
            raise AlreadyEnded
        asked_at = cancel.moment_of_asking(subscription, self.asked_at, ctx.at)
        back = give_back.due_back(ctx.session, subscription, asked_at)
        words = [f"It counts from {moment(ctx.site, asked_at)}."]
        words += [_goes_back(ctx, one, asked_at) for one in back] or [
            "Nothing was charged since then, so nothing goes back."
        ]
        words += [self._reading(ctx, subscription, back), *_no_more(ctx, subscription)]
        total = sum(one.cents for one in back)
        button = f"Cancel and give back {format_zar(total)}" if total else "Cancel the subscription"
        email_verified = open_requests.confirmed_to_cancel(ctx.session, subscription)
        typed = open_requests.unproved_to_cancel(ctx.session, subscription)
        if total:
            words += _proof(ctx, email_verified, typed)
        given = total - _owed(ctx, subscription, asked_at, email_verified)
        return Preview(tuple(words), button, cents=given, otherwise=_have_it_proved(ctx, typed))

    def _reading(self, ctx: TransactionContext, subscription: Subscription, back: list[DueBack]) -> str:
        ends_at = (
            ctx.at
            if self.when is When.NOW
            else cancel.end_of_what_is_held(ctx.site, subscription, [one.invoice for one in back], ctx.at)
        )
        if ends_at <= ctx.at:
            return "Reading ends now. A mail confirms it."
        last_day = ctx.site.last_day(ends_at)
        return f"Reading goes on through {day(last_day)}, as it is free or paid for. A mail confirms it."

    def do(self, ctx: TransactionContext, reason: str, /) -> str | None:
        """Cancel; the reader's open requests to cancel are answered by it."""
        subscription = _subscription(ctx.session, self.reader_id)
        cancel.cancel(ctx, subscription.id, asked_at=self.asked_at, reason=reason, when=self.when)
        open_requests.close_to_cancel(ctx, self.reader_id)
        return subscription.id


@dataclass(frozen=True)
class ResumeAct:
    """Take a cancellation back while the trial or the period runs."""

    reader_id: str
    what = Permission.RESUME

    def preview(self, ctx: TransactionContext, /) -> Preview:
        """When the card is charged next. Raises NothingToUndo, DisputeOpen, UnknownSubscription."""
        subscription = _subscription(ctx.session, self.reader_id)
        cancel.refuse_undo(ctx, subscription)
        on = subscription.charge_on if subscription.state is State.TRIALING else subscription.period_end_on
        price = terms_on(ctx.session, subscription, on)[1]
        words = ["The subscription goes on as if it had never been cancelled."]
        if on is not None:
            words.append(f"The card is charged {format_zar(price.amount)} on {day(on)}.")
        if postpone.moves(ctx, subscription):
            words.append(
                "Its notices are late for that day, so it moves on until they can be sent; this happens once."
            )
        words.append("A mail says so, with the link that cancels.")
        return Preview(tuple(words), "Take the cancellation back")

    def do(self, ctx: TransactionContext, reason: str, /) -> str | None:
        """Undo it; what the reader asked about ending the subscription is answered by it."""
        subscription = _subscription(ctx.session, self.reader_id)
        undo_for_reader(ctx, subscription.id, reason=reason)
        return subscription.id


def _subscription(session: Session, reader_id: str) -> Subscription:
    found = latest_of(session, reader_id)
    if found is None:
        raise UnknownSubscription("This reader has never had a subscription.")
    return found


def _owed(
    ctx: TransactionContext,
    subscription: Subscription,
    asked_at: datetime,
    email_verified: ReaderRequest | None,
) -> int:
    """Cents that are owed, whatever the limit: what was charged for this subscription since a request about it came
    that its reader has confirmed. A form takes anybody's address, so one that isn't confirmed owes nothing."""
    if email_verified is None:
        return 0
    since = max(asked_at, email_verified.received_at)
    return sum(one.cents for one in give_back.due_back(ctx.session, subscription, since))


def _proof(
    ctx: TransactionContext, email_verified: ReaderRequest | None, typed: ReaderRequest | None
) -> list[str]:
    """What the preview says of it."""
    if email_verified is not None:
        since = moment(ctx.site, email_verified.received_at)
        return [f"The reader’s request of {since} is proved, so what was charged since then is owed."]
    return [_not_proved(ctx, typed)] if typed is not None else []


def _have_it_proved(ctx: TransactionContext, typed: ReaderRequest | None) -> str:
    if typed is None:
        return ""
    return f"{_not_proved(ctx, typed)} On the request’s page you can mail the reader a link to confirm it."


def _not_proved(ctx: TransactionContext, request: ReaderRequest) -> str:
    came = moment(ctx.site, request.received_at)
    return f"The request of {came} isn’t proved: somebody typed the address, so nothing is owed by it."


def _goes_back(ctx: TransactionContext, one: DueBack, asked_at: datetime) -> str:
    number = numbers.invoice_number(one.invoice.number or 0)
    paid_on = ctx.site.today(one.payment.paid_at)
    return (
        f"{format_zar(one.cents)} goes back, charged on {day(paid_on)} ({number}). A credit note follows by mail;"
        f" it says: “{give_back.reason_of(one, asked_at)}”"
    )


def _no_more(ctx: TransactionContext, subscription: Subscription) -> list[str]:
    if subscription.charging_since is not None:
        return ["A charge is being made this very moment. If it succeeds it is returned by itself."]
    due = next_charge(subscription, ctx.zone)
    if due is None:
        return ["Nothing more is charged."]
    price = terms_on(ctx.session, subscription, due.on)[1]
    return [f"The charge of {format_zar(price.amount)} on {day(due.on)} is not made, nor any after it."]
