"""Requests that wait for staff: those of a reader or about a subscription, and the acts that answer them."""

from datetime import datetime

from sqlmodel import Session, col, select

from billing.platform.context import TransactionContext
from billing.rules import cancel_requests
from billing.staff import threads
from billing.staff.models import ReaderRequest, RequestKind
from billing.subscriptions.change import lock, mark, take_back_mails
from billing.subscriptions.find import live_of
from billing.subscriptions.models import Subscription

ANSWERED_BY_ACT = "Cancelled; the mail that confirms it is the answer."
WITHDRAWN_BY_ACT = "Withdrawn; the mail that says what goes back is the answer."


def _open_of(session: Session, reader_id: str) -> list[ReaderRequest]:
    query = select(ReaderRequest).where(
        ReaderRequest.reader_id == reader_id, col(ReaderRequest.closed_at).is_(None)
    )
    return list(session.exec(query.order_by(col(ReaderRequest.received_at), col(ReaderRequest.id))))


def first_of(session: Session, reader_id: str, kind: RequestKind) -> ReaderRequest | None:
    """The reader's oldest open request of a kind."""
    return next((request for request in _open_of(session, reader_id) if request.kind is kind), None)


def confirmed_to_cancel(session: Session, subscription: Subscription) -> ReaderRequest | None:
    """The oldest open request to cancel this subscription that its reader has confirmed. Only this makes us owe what was charged
    since: a request that came signed in has had its effect, which gave that back."""
    return next((form for form in _forms(session, subscription) if form.email_verified), None)


def unproved_to_cancel(session: Session, subscription: Subscription) -> ReaderRequest | None:
    """The oldest open request to cancel this subscription that anybody may have sent."""
    return next((form for form in _forms(session, subscription) if not form.email_verified), None)


def to_withdraw(session: Session, subscription: Subscription) -> ReaderRequest | None:
    """The open request to withdraw from this subscription."""
    about = _about(session, subscription)
    return next((request for request in about if request.kind is RequestKind.WITHDRAW), None)


def _about(session: Session, subscription: Subscription) -> list[ReaderRequest]:
    of_reader = _open_of(session, subscription.reader_id)
    return [request for request in of_reader if request.subscription_id == subscription.id]


def _forms(session: Session, subscription: Subscription) -> list[ReaderRequest]:
    """Requests to cancel this subscription that came with the reader's address, not signed in."""
    about = _about(session, subscription)
    return [request for request in about if request.kind is RequestKind.CANCEL and not request.signed_in]


def asked_first(session: Session, subscription: Subscription, asked_at: datetime) -> datetime:
    """From when a cancellation counts that the reader asks at `asked_at`: earlier where a form with the reader's address asked
    for it shortly before."""
    forms = (form.received_at for form in _forms(session, subscription))
    return min([asked_at, *(cancel_requests.counts_from(form, asked_at) for form in forms)])


def close(ctx: TransactionContext, request: ReaderRequest, act: str) -> None:
    """Close a request by an act that settles it. What its reader has replied meanwhile still waits for staff."""
    request.closing_act, request.closed_at = act, ctx.at
    request.note_closed_by(ctx.actor)
    request.waits_since = threads.last_reply_at(ctx.session, request.id)


def close_to_cancel(ctx: TransactionContext, reader_id: str, *, since: datetime | None = None) -> None:
    """Close the reader's requests to cancel: all, or those received from `since` on. The caller has locked the reader."""
    for request in _open_of(ctx.session, reader_id):
        if request.kind is RequestKind.CANCEL and (since is None or request.received_at >= since):
            close(ctx, request, ANSWERED_BY_ACT)
    release(ctx, reader_id)


def close_to_withdraw(ctx: TransactionContext, subscription: Subscription) -> None:
    """Close the requests about a subscription that is withdrawn from, and that the caller has locked."""
    for request in _about(ctx.session, subscription):
        close(ctx, request, WITHDRAWN_BY_ACT)
    release(ctx, subscription.reader_id)


def close_as_kept(ctx: TransactionContext, subscription: Subscription, words: str) -> None:
    """Close the requests to end a subscription that goes on, and that the caller has locked. What a signed-in reader wrote with
    one still waits for staff."""
    for request in _about(ctx.session, subscription):
        if request.signed_in and request.kind is RequestKind.CANCEL:
            request.kind = RequestKind.OTHER
        else:
            close(ctx, request, words)
    release(ctx, subscription.reader_id)


def release(ctx: TransactionContext, reader_id: str | None) -> None:
    """Let charges go on once no request to cancel is open. A charge day in a sent notice stays."""
    if reader_id is None:
        return
    ctx.session.flush()
    running = live_of(ctx.session, reader_id)
    if running is None or running.cancel_request_at is None:
        return
    if first_of(ctx.session, reader_id, RequestKind.CANCEL) is None:
        subscription = lock(ctx.session, running.id)
        mark(subscription, ctx.zone, cancel_request_at=None)
        take_back_mails(ctx, [subscription])
