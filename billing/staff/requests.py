"""What readers ask of staff. The moment a request came is kept: a cancellation counts from it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlmodel import Session, col, select

from billing.changes.withdraw import Withdrawal, offered
from billing.notices.requests import cancel_requested
from billing.payments.models import Payment
from billing.platform import ids
from billing.platform.actors import ReaderActor
from billing.platform.context import TransactionContext
from billing.platform.db import lock_row
from billing.platform.errors import Conflict, Invalid, NotFound
from billing.readers import rate
from billing.readers.models import Reader
from billing.readers.register import by_address, clean_address
from billing.refunds.refund import left_of
from billing.rules.card_numbers import holds_card_number
from billing.rules.lifecycle import State
from billing.staff import audit, facts, open_requests
from billing.staff.cancellations import cancel_for_reader
from billing.staff.models import ReaderRequest, RequestKind
from billing.staff.notices import request_answered
from billing.staff.open_requests import ANSWERED_BY_ACT
from billing.subscriptions.change import lock, mark
from billing.subscriptions.find import live_of, terms_of
from billing.subscriptions.models import Subscription
from billing.subscriptions.schedule import next_charge

LONGEST = 2000
WAS_CANCELLED = "It was cancelled already."
BY_FORM = "asked by the form, signed in"


class UnknownRequest(NotFound):
    """There is no such request."""

    code = "unknown_request"


class AlreadyClosed(Conflict):
    """Somebody has answered this request already."""

    code = "already_closed"
    title = "This is answered already"


class NothingSaid(Invalid):
    """Write a few words, so that we know what you need."""

    code = "nothing_said"


class CardNumberIn(Invalid):
    """There is something like a card number in it. Take it out: nobody here needs it, the last four digits are enough."""

    code = "card_number"


def count_tries(ctx: TransactionContext, reader: Reader | None, email: str, ip: str) -> None:
    """At most five requests an hour of a reader who is signed in, whatever strangers ask; else five for a mailbox and twenty from
    a network. Raises BadAddress, TooMany."""
    hour = timedelta(hours=1)
    if reader is not None:
        rate.count(ctx, "request-of", reader.id, limit=5, per=hour)
        return
    rate.count_mailbox(ctx, "request", clean_address(email), limit=5, per=hour)
    rate.count_network(ctx, "request-from", ip, limit=20, per=hour)


class Effect(StrEnum):
    """What a request to cancel did at once."""

    WAITS = "waits"
    """Nothing: it waits for staff, as does any other request."""
    CANCELLED = "cancelled"
    WAS_CANCELLED = "was_cancelled"
    """Nothing: the subscription had been cancelled already."""
    NOTHING_RUNS = "nothing_runs"
    """Nothing: the reader, who is signed in, has no subscription that runs. It waits for staff: there may be another account."""


@dataclass(frozen=True, slots=True)
class RecordedRequest:
    """A request that is kept, and what it did at once."""

    request: ReaderRequest
    effect: Effect


def record_request(
    ctx: TransactionContext,
    *,
    reader: Reader | None,
    email: str,
    kind: RequestKind,
    words: str,
    ip: str,
    device: str,
    subscription_id: str | None = None,
) -> RecordedRequest:
    """Keep a request. `reader` is who is signed in; else the address says whose it may be, and no answer tells whether we
    know it. One to cancel is about the subscription that runs, and has its effect at once (see `_act_on`). Raises BadAddress,
    NothingSaid, CardNumberIn (SEC-12)."""
    email = clean_address(email)
    words = words.strip()[:LONGEST]
    if not words and kind is not RequestKind.CANCEL:
        raise NothingSaid
    if holds_card_number(words):
        raise CardNumberIn
    owner = reader or by_address(ctx.session, email)
    request = ReaderRequest(
        id=ids.new("req", ctx.at),
        kind=kind,
        received_at=ctx.at,
        email=email,
        reader_id=owner.id if owner else None,
        subscription_id=subscription_id,
        email_verified=reader is not None,
        words=words,
        ip=ip[:64],
        device=device[:300],
    )
    effect = Effect.WAITS
    if kind is RequestKind.CANCEL and owner is not None:
        effect = _act_on(ctx, request, owner.id)
    ctx.session.add(request)
    ctx.session.flush()
    return RecordedRequest(request, effect)


def _act_on(ctx: TransactionContext, request: ReaderRequest, reader_id: str) -> Effect:
    """A reader who is signed in has cancelled by asking: only what was written besides waits for staff. With a mere address
    it may be a stranger: the next charge is held, and the reader is told. The lock keeps a charge from being begun meanwhile."""
    running = live_of(ctx.session, reader_id)
    subscription = lock(ctx.session, running.id) if running is not None else None
    if subscription is None or subscription.state is State.ENDED:
        return Effect.NOTHING_RUNS if request.email_verified else Effect.WAITS
    request.subscription_id = subscription.id
    if request.email_verified:
        was = subscription.cancel_asked_at is not None
        cancel_for_reader(
            ctx.acting_as(ReaderActor(reader_id)), subscription.id, asked_at=ctx.at, reason=BY_FORM
        )
        if not request.words:
            open_requests.close(
                ctx.acting_as(ReaderActor(reader_id)), request, WAS_CANCELLED if was else ANSWERED_BY_ACT
            )
        return Effect.WAS_CANCELLED if was else Effect.CANCELLED
    if subscription.cancel_asked_at is None and subscription.cancel_request_at is None:
        mark(subscription, ctx.zone, cancel_request_at=ctx.at)
        cancel_requested(ctx, subscription)
    return Effect.WAITS


def one(session: Session, request_id: str) -> ReaderRequest:
    """Raises UnknownRequest."""
    found = session.get(ReaderRequest, request_id)
    if found is None:
        raise UnknownRequest
    return found


def hold(session: Session, request_id: str) -> ReaderRequest:
    """Its reader's affairs, as acts hold them; then the request. Raises UnknownRequest."""
    reader_id = one(session, request_id).reader_id
    if reader_id is not None:
        facts.lock_reader(session, reader_id)
    request = lock_row(session, ReaderRequest, request_id)
    if request is None:
        raise UnknownRequest
    return request


@dataclass(frozen=True, slots=True)
class Waiting:
    """An open request with the cents at risk: charged since it came and not given back, and charged next, on which day. With a
    request to withdraw, also the subscription it is about, what the reader would get back, and the earlier withdrawals because
    of which staff decide."""

    request: ReaderRequest
    charged_since: int = 0
    next_cents: int = 0
    next_at: datetime | None = None
    withdrawal: Withdrawal | None = None
    about: Subscription | None = None


def waiting(ctx: TransactionContext, *, reader_id: str | None = None, limit: int = 100) -> list[Waiting]:
    """Open requests, of everybody or of one reader, oldest first."""
    query = (
        select(ReaderRequest)
        .where(col(ReaderRequest.closed_at).is_(None))
        .order_by(col(ReaderRequest.received_at), col(ReaderRequest.id))
        .limit(limit)
    )
    rows = ctx.session.exec(query.where(ReaderRequest.reader_id == reader_id) if reader_id else query).all()
    return [at_risk(ctx, row) for row in rows]


def at_risk(ctx: TransactionContext, request: ReaderRequest) -> Waiting:
    """What the request may cost the reader, or us, while it waits."""
    if request.reader_id is None:
        return Waiting(request)
    paid = ctx.session.exec(
        select(Payment).where(Payment.reader_id == request.reader_id, Payment.paid_at > request.received_at)
    ).all()
    since = sum(left_of(ctx.session, payment) for payment in paid)
    about = ctx.session.get(Subscription, request.subscription_id) if request.subscription_id else None
    withdrawal = _withdrawal(ctx, request, about)
    subscription = live_of(ctx.session, request.reader_id)
    due = next_charge(subscription, ctx.zone) if subscription else None
    if subscription is None or due is None:
        return Waiting(request, since, withdrawal=withdrawal, about=about)
    return Waiting(request, since, terms_of(ctx.session, subscription)[1].amount, due.at, withdrawal, about)


def _withdrawal(
    ctx: TransactionContext, request: ReaderRequest, about: Subscription | None
) -> Withdrawal | None:
    """What was offered to the reader when the request came."""
    if request.kind is not RequestKind.WITHDRAW:
        return None
    return offered(ctx.moved_to(request.received_at), about)


def answer(ctx: TransactionContext, request_id: str, words: str) -> ReaderRequest:
    """Answer by mail, and close it, once. Raises UnknownRequest, AlreadyClosed, NothingSaid, CardNumberIn."""
    words = words.strip()[:LONGEST]
    if not words:
        raise NothingSaid
    if holds_card_number(words):
        raise CardNumberIn
    request = hold(ctx.session, request_id)
    if request.closed_at is not None:
        raise AlreadyClosed(f"{request.closed_by} answered it: “{request.answer}”")
    request_answered(ctx, request, words)
    open_requests.close(ctx, request, words)
    open_requests.release(ctx, request.reader_id)
    audit.write(ctx, "answer", reader_id=request.reader_id, subject=request.id, after={"answer": words})
    return request
