"""Cancelling as pages, the same from the account and from a mailed link: no survey, no call, no sign-in beyond the link."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Annotated

from fastapi import Depends, Form
from starlette.responses import Response

from billing.changes import cancel, withdraw
from billing.payments import receipts
from billing.payments.refund_models import Refund, RefundState
from billing.platform.actors import ReaderActor
from billing.platform.context import TransactionContext
from billing.readers.register import by_id
from billing.rules.lifecycle import State
from billing.rules.money import Money
from billing.staff import open_requests, withdrawals
from billing.staff.cancellations import cancel_for_reader
from billing.subscriptions.change import lock
from billing.subscriptions.models import Subscription
from billing.web.kit.typed import LINES
from billing.web.kit.view_rows import sum_of
from billing.web.kit.visit import Visit
from billing.web.views.account import CancelledPage, CancelPage, LeaveEarly, WithdrawalTerms

SHOWN_WITHIN = timedelta(days=10)
"""How long a bank may take to show money that came back."""
REASONS = {"price", "time", "content", "trouble", "elsewhere", "other"}


@dataclass(frozen=True, slots=True)
class CancelForm:
    """The form that cancels. `when`: `now` takes the sale back, `early` leaves a year, both where the reader was offered that."""

    when: Annotated[str, Form()] = "period_end"
    reason: Annotated[str, Form()] = ""
    comment: Annotated[str, Form(), LINES] = ""

    @property
    def recorded(self) -> str:
        """The reason for the history."""
        reason = self.reason if self.reason in REASONS else "no reason given"
        comment = self.comment.replace("\0", "").strip()  # PostgreSQL's text holds no zero byte
        return f"{reason}: {comment[:1000]}" if comment else reason


Filled = Annotated[CancelForm, Depends()]


def cancel_page(visit: Visit, subscription: Subscription, *, action: str, back: str) -> Response:
    """What cancelling means for this reader; once it is cancelled, the way back. `back` is the page that withdraws."""
    if subscription.cancel_asked_at is not None or subscription.state is State.ENDED:
        return cancelled_page(visit, subscription, back=back)
    with visit.read() as ctx:
        reader = by_id(ctx.session, subscription.reader_id)
        offer = withdrawal(ctx, subscription, back)
        leaving = cancel.leaving(ctx, subscription, visit.at)
        access_until = last_day(ctx, subscription)
    decided = offer is not None and offer.withdrew_on is not None
    at_once = offer if access_until and not decided else None
    leave = None
    if leaving and not at_once:
        refund = Money(leaving.cents, leaving.payment.currency)
        leave = LeaveEarly(last_day=visit.services.site.last_day(leaving.ends_at), refund=refund)
    view = CancelPage(
        email=reader.email,
        access_until=access_until,
        in_trial=subscription.state is State.TRIALING,
        withdraw=at_once,
        leave=leave,
        ask=offer if decided else None,
        action=action,
    )
    return visit.page(view)


def last_day(ctx: TransactionContext, subscription: Subscription) -> date | None:
    """The last day of reading if it is cancelled now; None when reading would stop at once."""
    until = cancel.end_of_access(ctx.site, subscription, [], ctx.at)
    return ctx.site.last_day(until) if until > ctx.at else None


def cancel_with(visit: Visit, subscription: Subscription, form: CancelForm) -> None:
    """Cancel, counted from this moment, or from that of an earlier request by form."""
    with visit.begin() as ctx:
        ctx = ctx.acting_as(ReaderActor(subscription.reader_id))
        at, reason = ctx.at, form.recorded
        if form.when == "now" and withdrawals.at_once(ctx, subscription.id, asked_at=at, reason=reason):
            return
        locked = lock(ctx.session, subscription.id)
        asked_at = open_requests.asked_first(ctx.session, locked, at)
        early = form.when == "early" and cancel.leaving(ctx, locked, asked_at) is not None
        when = cancel.When.EARLY if early else cancel.When.PERIOD_END
        cancel_for_reader(ctx, subscription.id, asked_at=at, reason=reason, when=when)


def withdraw_with(visit: Visit, subscription: Subscription) -> bool:
    """Take the sale back in one step; or, where staff decide, cancel and put it to them. Whether it was taken back. Raises
    CoolingOffOver."""
    with visit.begin() as ctx:
        ctx = ctx.acting_as(ReaderActor(subscription.reader_id))
        done = withdrawals.withdraw_or_ask(
            ctx, subscription.id, asked_at=ctx.at, ip=visit.ip, device=visit.device
        )
    return isinstance(done, withdraw.Withdrawal)


def withdrawal(
    ctx: TransactionContext, subscription: Subscription | None, action: str
) -> WithdrawalTerms | None:
    """What the reader may still take back, or has put to staff, for a page; `action` does it."""
    found = withdraw.offered(ctx, subscription)
    if found is None or subscription is None:
        return None
    request = open_requests.to_withdraw(ctx.session, subscription)
    currency = found.first.payment.currency
    return WithdrawalTerms(
        amount=Money(found.cents, currency),
        unread=Money(found.later_cents, currency) if found.later_cents else None,
        last_day=found.last_day,
        action=action,
        withdrew_on=found.earlier[-1].on if found.needs_staff else None,
        requested_on=ctx.site.today(request.received_at) if request else None,
    )


def _is_on_its_way(refund: Refund, asked_at: datetime | None, at: datetime) -> bool:
    """Whether the cancelled page names it. It leaves out a refund from before the cancellation, one that the bank must have
    shown by now, and one that waits for our balance."""
    if refund.awaiting_balance_since is not None:
        return False
    if refund.state is RefundState.SUCCEEDED:
        since_asked = asked_at is not None and refund.created_at >= asked_at
        return since_asked and refund.settled_at is not None and at - refund.settled_at <= SHOWN_WITHIN
    return refund.state is not RefundState.FAILED


def cancelled_page(visit: Visit, subscription: Subscription, *, back: str) -> Response:
    """It is cancelled: the last day, what comes back or can be taken back, and how to undo it. A signed-in reader undoes it here,
    any other browser by a fresh link."""
    with visit.read() as ctx:
        paid = receipts.paid_by(ctx.session, subscription.reader_id)
        offer = withdrawal(ctx, subscription, back)
        undoable = cancel.may_undo(ctx, subscription)
    signed_in = visit.reader is not None and visit.reader.id == subscription.reader_id
    mine = [receipt for receipt in paid if receipt.invoice.subscription_id == subscription.id]
    asked_at, until = subscription.cancel_asked_at, subscription.cancels_at
    refunds = [refund for receipt in mine for refund in receipt.refunds]
    reading = subscription.state is not State.ENDED and until is not None and until > visit.at
    view = CancelledPage(
        access_until=visit.services.site.last_day(until) if reading and until else None,
        ever_charged=subscription.period_number > 0,
        refund=sum_of([refund for refund in refunds if _is_on_its_way(refund, asked_at, visit.at)]),
        waiting=sum_of([refund for receipt in mine for refund in receipt.waiting]),
        owed=sum_of([refund for receipt in mine for refund in receipt.owed]),
        undo=("here" if signed_in else "by_mail") if undoable else None,
        withdraw=offer,
    )
    return visit.page(view)
