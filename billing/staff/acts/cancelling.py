"""Cancel as of the moment the reader first asked, and take a cancellation back."""

from dataclasses import dataclass
from datetime import datetime

from billing.changes import cancel, postpone
from billing.changes.cancel import When
from billing.changes.give_back import DueBack, due_back, reason_of
from billing.changes.refusals import AlreadyEnded
from billing.payments import numbers
from billing.platform.context import TransactionContext
from billing.rules.lifecycle import State
from billing.staff import open_requests
from billing.staff.acts.shape import AT_ONCE, Preview, day, format_zar, moment
from billing.staff.acts.subscription import latest
from billing.staff.cancellations import undo_for_reader
from billing.staff.models import ReaderRequest
from billing.staff.roles import Permission
from billing.subscriptions.find import terms_on
from billing.subscriptions.models import Subscription
from billing.subscriptions.schedule import next_charge


@dataclass(frozen=True)
class CancelAct:
    """Cancel as of `asked_at`: what was charged since then goes back in the same act (CPA-7, ECT-3)."""

    reader_id: str
    asked_at: datetime
    when: When = When.PERIOD_END
    what = Permission.CANCEL

    def preview(self, ctx: TransactionContext, /) -> Preview:
        """What goes back, how long reading goes on, what isn't charged any more. Raises AlreadyEnded, BadMoment, UnknownSubscription."""
        subscription = latest(ctx.session, self.reader_id)
        if subscription.state is State.ENDED:
            raise AlreadyEnded
        asked_at = cancel.moment_of_asking(subscription, self.asked_at, ctx.at)
        returned = due_back(ctx.session, subscription, asked_at)
        total = sum(payment.cents for payment in returned)
        words = [
            f"It counts from {moment(ctx.site, asked_at)}.",
            *[_goes_back(ctx, payment, asked_at) for payment in returned],
            AT_ONCE if returned else "Nothing was charged since then, so nothing goes back.",
            self._reading(ctx, subscription, returned),
            _no_more(ctx, subscription),
        ]
        proved = open_requests.confirmed_to_cancel(ctx.session, subscription)
        typed = open_requests.unproved_to_cancel(ctx.session, subscription)
        not_proved = _not_proved(ctx, typed) if typed else ""
        owed = 0
        if proved is not None:
            # What is owed counts towards no limit. A form takes anybody's address, so an unproved request owes nothing.
            since = max(asked_at, proved.received_at)
            owed = sum(payment.cents for payment in due_back(ctx.session, subscription, since))
        if total and (proof := _proved(ctx, proved) if proved else not_proved):
            words.append(proof)
        mail_link = f"{not_proved} On the request’s page you can mail the reader a link to confirm it."
        return Preview(
            tuple(words),
            f"Cancel and give back {format_zar(total)}" if total else "Cancel the subscription",
            cents=total - owed,
            otherwise=mail_link if typed else "",
        )

    def _reading(self, ctx: TransactionContext, subscription: Subscription, returned: list[DueBack]) -> str:
        invoices = [payment.invoice for payment in returned]
        ends_at = cancel.end_of_access(ctx.site, subscription, invoices, ctx.at)
        if self.when is When.NOW or ends_at <= ctx.at:
            return "Reading ends now. A mail confirms it."
        return f"Reading goes on through {day(ctx.site.last_day(ends_at))}, as it is free or paid for. A mail confirms it."

    def do(self, ctx: TransactionContext, reason: str, /) -> str:
        """Cancel, and answer the reader's open requests to cancel."""
        subscription = latest(ctx.session, self.reader_id)
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
        subscription = latest(ctx.session, self.reader_id)
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

    def do(self, ctx: TransactionContext, reason: str, /) -> str:
        """Undo it, and answer the reader's open requests to end the subscription."""
        subscription = latest(ctx.session, self.reader_id)
        undo_for_reader(ctx, subscription.id, reason=reason)
        return subscription.id


def _proved(ctx: TransactionContext, request: ReaderRequest) -> str:
    since = moment(ctx.site, request.received_at)
    return f"The reader’s request of {since} is proved, so what was charged since then is owed."


def _not_proved(ctx: TransactionContext, request: ReaderRequest) -> str:
    came = moment(ctx.site, request.received_at)
    return f"The request of {came} isn’t proved: somebody typed the address, so nothing is owed by it."


def _goes_back(ctx: TransactionContext, returned: DueBack, asked_at: datetime) -> str:
    number = numbers.invoice_number(returned.invoice.number or 0)
    paid_on = ctx.site.today(returned.payment.paid_at)
    return (
        f"{format_zar(returned.cents)} goes back, charged on {day(paid_on)} ({number}). A credit note follows by mail;"
        f" it says: “{reason_of(returned, asked_at)}”"
    )


def _no_more(ctx: TransactionContext, subscription: Subscription) -> str:
    if subscription.charging_since is not None:
        return "A charge is being made this very moment. If it succeeds it is returned by itself."
    due = next_charge(subscription, ctx.zone)
    if due is None:
        return "Nothing more is charged."
    price = terms_on(ctx.session, subscription, due.on)[1]
    return f"The charge of {format_zar(price.amount)} on {day(due.on)} is not made, nor any after it."
