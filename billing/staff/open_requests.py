"""Requests that wait for staff: which there are of a reader or about a subscription, and what answers them."""

from collections.abc import Iterable
from datetime import datetime

from sqlmodel import Session, col, select

from billing.platform.context import TransactionContext
from billing.rules import cancel_requests
from billing.staff.models import ReaderRequest, RequestKind
from billing.subscriptions.change import lock, mark, take_back_mails
from billing.subscriptions.find import live_of
from billing.subscriptions.models import Subscription

ANSWERED_BY_ACT = "Cancelled; the mail that confirms it is the answer."
WITHDRAWN_BY_ACT = "Withdrawn; the mail that says what goes back is the answer."


def open_of(session: Session, reader_id: str) -> list[ReaderRequest]:
    """The reader's open requests, oldest first."""
    rows = session.exec(
        select(ReaderRequest)
        .where(ReaderRequest.reader_id == reader_id, col(ReaderRequest.closed_at).is_(None))
        .order_by(col(ReaderRequest.received_at), col(ReaderRequest.id))
    )
    return list(rows)


def first_of(session: Session, reader_id: str, kind: RequestKind) -> ReaderRequest | None:
    """The oldest open request of a kind."""
    return next((one for one in open_of(session, reader_id) if one.kind is kind), None)


def first_to_cancel(session: Session, reader_id: str) -> ReaderRequest | None:
    """The oldest open request to cancel: what the reader first asked."""
    return first_of(session, reader_id, RequestKind.CANCEL)


def confirmed_to_cancel(session: Session, subscription: Subscription) -> ReaderRequest | None:
    """The oldest open request to cancel this subscription that its reader has confirmed: only such a one makes us owe what was
    charged since. One that came signed in has had its effect, which gave back what was owed."""
    return next((one for one in _forms(session, subscription) if one.email_verified), None)


def unproved_to_cancel(session: Session, subscription: Subscription) -> ReaderRequest | None:
    """The oldest open request to cancel this subscription that anybody may have sent."""
    return next((one for one in _forms(session, subscription) if not one.email_verified), None)


def to_withdraw(session: Session, subscription: Subscription) -> ReaderRequest | None:
    """The open request to withdraw from this subscription."""
    return next((one for one in _about(session, subscription) if one.kind is RequestKind.WITHDRAW), None)


def _about(session: Session, subscription: Subscription) -> Iterable[ReaderRequest]:
    return (one for one in open_of(session, subscription.reader_id) if one.subscription_id == subscription.id)


def _forms(session: Session, subscription: Subscription) -> Iterable[ReaderRequest]:
    """Those to cancel this subscription that came with the reader's address, by somebody who wasn't signed in."""
    about = _about(session, subscription)
    return (one for one in about if one.kind is RequestKind.CANCEL and not one.signed_in)


def asked_first(session: Session, subscription: Subscription, asked_at: datetime) -> datetime:
    """The moment from which a cancellation by the reader, said to be asked at `asked_at`, counts: earlier where a form that came
    with the reader's address asked for it shortly before. One that came signed in has had its effect."""
    forms = (one.received_at for one in _forms(session, subscription))
    return min([asked_at, *(cancel_requests.counts_from(form, asked_at) for form in forms)])


def close(ctx: TransactionContext, request: ReaderRequest, words: str) -> None:
    """It is answered, in these words."""
    request.answer, request.closed_at = words, ctx.at
    request.note_closed_by(ctx.actor)
    ctx.session.add(request)


def close_to_cancel(ctx: TransactionContext, reader_id: str, *, since: datetime | None = None) -> None:
    """The reader's requests to cancel are done with: all, or those received from `since` on. The reader's affairs are held."""
    for request in open_of(ctx.session, reader_id):
        if request.kind is RequestKind.CANCEL and (since is None or request.received_at >= since):
            close(ctx, request, ANSWERED_BY_ACT)
    release(ctx, reader_id)


def close_to_withdraw(ctx: TransactionContext, subscription: Subscription) -> None:
    """What was asked about a subscription that is withdrawn from is done with. The subscription is locked."""
    for request in _about(ctx.session, subscription):
        close(ctx, request, WITHDRAWN_BY_ACT)
    release(ctx, subscription.reader_id)


def close_as_kept(ctx: TransactionContext, subscription: Subscription, words: str) -> None:
    """The subscription, which is locked, goes on: the requests to end it ask for nothing any more. What a signed-in reader wrote
    with one still waits for a person."""
    for request in _about(ctx.session, subscription):
        if request.signed_in and request.kind is RequestKind.CANCEL:
            request.kind = RequestKind.OTHER
        else:
            close(ctx, request, words)
    release(ctx, subscription.reader_id)


def release(ctx: TransactionContext, reader_id: str | None) -> None:
    """Hold no more charges once no request to cancel is open. A day that the reader was told stays."""
    ctx.session.flush()
    running = live_of(ctx.session, reader_id) if reader_id is not None else None
    if running is None or running.cancel_request_at is None or reader_id is None:
        return
    if first_to_cancel(ctx.session, reader_id) is None:
        subscription = lock(ctx.session, running.id)
        mark(subscription, ctx.zone, cancel_request_at=None)
        take_back_mails(ctx, [subscription])
