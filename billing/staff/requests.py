"""Readers' requests to staff. A cancellation counts from the moment the request came."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlmodel import Session, col, select

from billing.changes.withdraw import Withdrawal, offered
from billing.notices.requests import cancel_requested
from billing.payments.models import Payment
from billing.platform import ids
from billing.platform.actors import ReaderActor
from billing.platform.context import TransactionContext
from billing.platform.db import lock_one
from billing.platform.errors import Conflict, Invalid, NotFound
from billing.readers import rate
from billing.readers.models import Reader
from billing.readers.register import by_address, clean_address
from billing.refunds.refund import left_of
from billing.rules.card_numbers import holds_card_number
from billing.rules.lifecycle import State
from billing.staff import facts, open_requests, threads
from billing.staff.cancellations import cancel_for_reader
from billing.staff.models import Effect, ReaderRequest, RequestKind, StaffMember
from billing.staff.notices import request_received
from billing.staff.open_requests import ANSWERED_BY_ACT
from billing.subscriptions.change import lock, mark
from billing.subscriptions.find import live_of, terms_on
from billing.subscriptions.models import Subscription
from billing.subscriptions.schedule import next_charge

LONGEST = 2000
WAS_CANCELLED = "It was cancelled already."
BY_FORM = "asked by the form, signed in"
MAIL_EACH = timedelta(hours=1)
"""An address that its sender hasn't proved gets one mail that acknowledges a request in so long: anybody may type it."""
SAME_WITHIN = timedelta(hours=1)
"""How long the same words of the same sender are one request."""
ACTING = (RequestKind.CANCEL, RequestKind.WITHDRAW)
"""Requests that do something when they come, besides asking."""


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
    """Count a request: five an hour for a signed-in reader, whom strangers can't use up; else five for a mailbox and twenty for
    a network. Raises BadAddress, TooMany."""
    hour = timedelta(hours=1)
    if reader is not None:
        rate.count(ctx, "request-of", reader.id, limit=5, per=hour)
    else:
        rate.count_mailbox(ctx, "request", clean_address(email), limit=5, per=hour)
        rate.count_network(ctx, "request-from", ip, limit=20, per=hour)


@dataclass(frozen=True, slots=True)
class RequestSender:
    """Who sends a request, from where. `reader` is signed in; without one anybody may have typed the address. `proved`: a mailed link
    has proved in this browser that the address is the reader's."""

    reader: Reader | None
    email: str
    ip: str
    device: str
    proved: bool = False


def record_request(
    ctx: TransactionContext,
    sender: RequestSender,
    kind: RequestKind,
    words: str,
    subscription_id: str | None = None,
) -> tuple[ReaderRequest, Effect]:
    """Store a request, and acknowledge it by mail; what it did at once. One to cancel is about the running subscription, and takes
    effect at once. A question that waits already, as after a double click, is stored once.

    No answer tells whether we know the address. Raises BadAddress, NothingSaid, CardNumberIn (SEC-12)."""
    email = clean_address(sender.email)
    words = clean_words(words, needed=kind is not RequestKind.CANCEL)
    owner = sender.reader or by_address(ctx.session, email)
    request = ReaderRequest(
        id=ids.new("req", ctx.at),
        kind=kind,
        received_at=ctx.at,
        email=email,
        reader_id=owner.id if owner else None,
        subscription_id=subscription_id,
        email_verified=sender.reader is not None,
        words=words,
        ip=sender.ip[:64],
        device=sender.device[:300],
        waits_since=ctx.at,
    )
    if sender.proved and sender.reader:  # two at once wait here, or where mails to the address are counted
        facts.lock_reader(ctx.session, sender.reader.id)
    may_mail = sender.proved or rate.is_first(ctx, "request-received", email, per=MAIL_EACH)
    if kind not in ACTING and (same := _waits_already(ctx, request)) is not None:
        return same, Effect.WAITS
    # Added after its effect, so that cancelling doesn't find and close this very request.
    effect, is_mailed = Effect.WAITS, False
    if owner is not None and kind is RequestKind.CANCEL:
        effect, is_mailed = _take_effect(ctx, request, owner.id)
    ctx.session.add(request)
    ctx.session.flush()
    if may_mail and not is_mailed:
        request_received(ctx, request, effect, proved=sender.proved)
    return request, effect


def _waits_already(ctx: TransactionContext, request: ReaderRequest) -> ReaderRequest | None:
    """The same question of the same sender, if it came within the hour and no answer did."""
    query = select(ReaderRequest).where(
        col(ReaderRequest.waits_since) > ctx.at - SAME_WITHIN,
        ReaderRequest.email == request.email,
        ReaderRequest.kind == request.kind,
        ReaderRequest.words == request.words,
        ReaderRequest.email_verified == request.email_verified,
        col(ReaderRequest.closed_at).is_(None),
    )
    return ctx.session.exec(query.limit(1)).first()


def clean_words(words: str, *, needed: bool) -> str:
    """What people write to each other, without spaces around it. Raises NothingSaid, CardNumberIn (SEC-12)."""
    words = words.strip()[:LONGEST]
    if needed and not words:
        raise NothingSaid
    if holds_card_number(words):
        raise CardNumberIn
    return words


def _take_effect(ctx: TransactionContext, request: ReaderRequest, reader_id: str) -> tuple[Effect, bool]:
    """Cancel for a signed-in reader; only what they wrote besides waits for staff. A mere address may be typed by a stranger:
    hold the next charge, and notify the reader.

    Also returns whether a mail about that is all the acknowledgement that the request needs."""
    running = live_of(ctx.session, reader_id)
    # no charge begins meanwhile
    subscription = lock(ctx.session, running.id) if running is not None else None
    if subscription is None or subscription.state is State.ENDED:
        return Effect.NOTHING_RUNS if request.email_verified else Effect.WAITS, False
    request.subscription_id = subscription.id
    was_cancelled = subscription.cancel_asked_at is not None
    if request.email_verified:
        as_reader = ctx.acting_as(ReaderActor(reader_id))
        cancel_for_reader(as_reader, subscription.id, asked_at=ctx.at, reason=BY_FORM)
        if not request.words:
            open_requests.close(as_reader, request, WAS_CANCELLED if was_cancelled else ANSWERED_BY_ACT)
        if was_cancelled:
            return Effect.WAS_CANCELLED, False
        # the mail that confirms a cancellation says when it was asked for
        return Effect.CANCELLED, not request.words
    if was_cancelled or subscription.cancel_request_at is not None:
        return Effect.WAITS, False
    mark(subscription, ctx.zone, cancel_request_at=ctx.at)
    return Effect.WAITS, cancel_requested(ctx, subscription)


def one(session: Session, request_id: str) -> ReaderRequest:
    """Raises UnknownRequest."""
    if (found := session.get(ReaderRequest, request_id)) is None:
        raise UnknownRequest
    return found


def lock_request(session: Session, request_id: str) -> ReaderRequest:
    """Lock the reader, as acts do, then the request. Raises UnknownRequest."""
    reader_id = one(session, request_id).reader_id
    if reader_id is not None:
        facts.lock_reader(session, reader_id)
    return lock_one(session, ReaderRequest, request_id)


@dataclass(frozen=True, slots=True)
class Waiting:
    """A request that waits, with the cents at risk: of one to end a subscription, charged since then and not given back, and charged
    next, and when; of a complaint, what is left of the charge complained of.

    With a request to withdraw also its subscription, and what the reader would get back. `holder` is the address of the member who
    has it, `waits_for` how long its reader has waited."""

    request: ReaderRequest
    charged_since: int = 0
    next_cents: int = 0
    next_at: datetime | None = None
    withdrawal: Withdrawal | None = None
    about: Subscription | None = None
    complained: int = 0
    complained_at: datetime | None = None
    holder: str | None = None
    waits_for: timedelta = timedelta()


def waiting(
    ctx: TransactionContext,
    *,
    reader_id: str | None = None,
    kind: RequestKind | None = None,
    claimed_by: str | None = None,
    after: tuple[datetime, str] | None = None,
    limit: int = 100,
) -> list[Waiting]:
    """Requests whose readers wait for an answer, the longest wait first: of all readers or of one, of a kind.

    `claimed_by`: those of this member; those of nobody where it is empty. `after`: since when the last one of the page before has
    waited, and its id."""
    query = select(ReaderRequest).where(col(ReaderRequest.waits_since).is_not(None))
    if reader_id:
        query = query.where(ReaderRequest.reader_id == reader_id)
    if kind is not None:
        query = query.where(ReaderRequest.kind == kind)
    if claimed_by is not None:
        query = query.where(col(ReaderRequest.claimed_by_id).is_not_distinct_from(claimed_by or None))
    if after is not None:
        query = query.where(sa.tuple_(col(ReaderRequest.waits_since), col(ReaderRequest.id)) > after)
    query = query.order_by(col(ReaderRequest.waits_since), col(ReaderRequest.id)).limit(limit)
    return [at_risk(ctx, row) for row in ctx.session.exec(query)]


def at_risk(ctx: TransactionContext, request: ReaderRequest) -> Waiting:
    """What the request may cost the reader, or us, while it waits."""
    return replace(
        _with_cents(ctx, request),
        holder=holder_of(ctx.session, request),
        waits_for=ctx.at - request.waits_since if request.waits_since else timedelta(),
    )


def holder_of(session: Session, request: ReaderRequest) -> str | None:
    """The address of the member who has the request."""
    member = session.get(StaffMember, request.claimed_by_id) if request.claimed_by_id else None
    return member.email if member else None


def _with_cents(ctx: TransactionContext, request: ReaderRequest) -> Waiting:
    """A question puts nothing at risk; a complaint only the charge that it is about: the last one before it came."""
    if request.reader_id is None:
        return Waiting(request)
    if request.kind is RequestKind.WRONG_CHARGE:
        query = select(Payment).where(
            Payment.reader_id == request.reader_id, Payment.paid_at <= request.received_at
        )
        charge = ctx.session.exec(query.order_by(col(Payment.paid_at).desc()).limit(1)).first()
        left = left_of(ctx.session, charge) if charge else 0
        return Waiting(request, complained=left, complained_at=charge.paid_at if charge and left else None)
    return _since(ctx, request, request.reader_id) if request.kind in ACTING else Waiting(request)


def _since(ctx: TransactionContext, request: ReaderRequest, reader_id: str) -> Waiting:
    """What was charged since a reader asked to end the subscription, and what is charged next."""
    from_then = request.waits_since or request.received_at
    paid = ctx.session.exec(
        select(Payment).where(Payment.reader_id == reader_id, Payment.paid_at > from_then)
    ).all()
    since = sum(left_of(ctx.session, payment) for payment in paid)
    about = ctx.session.get(Subscription, request.subscription_id) if request.subscription_id else None
    is_withdrawal = request.kind is RequestKind.WITHDRAW
    withdrawal = offered(ctx.moved_to(request.received_at), about) if is_withdrawal else None
    subscription = live_of(ctx.session, reader_id)
    due = next_charge(subscription, ctx.zone) if subscription else None
    if subscription is None or due is None:
        return Waiting(request, since, withdrawal=withdrawal, about=about)
    amount = terms_on(ctx.session, subscription, due.on)[1].amount
    return Waiting(request, since, amount, due.at, withdrawal, about)


def own(session: Session, reader_id: str, request_id: str) -> ReaderRequest:
    """The reader's own request. Another reader's is unknown. Raises UnknownRequest."""
    request = one(session, request_id)
    if request.reader_id != reader_id:
        raise UnknownRequest
    return request


def reply(ctx: TransactionContext, reader_id: str, request_id: str, words: str) -> None:
    """Store a signed-in reader's reply. The request waits for staff again, or still. The same words sent twice are one reply.

    What the request itself asked for stays as it was settled. Raises UnknownRequest, NothingSaid, CardNumberIn."""
    words = clean_words(words, needed=True)
    own(ctx.session, reader_id, request_id)
    request = lock_request(ctx.session, request_id)
    last = threads.last_message(ctx.session, request_id)
    if last is not None and last.by_reader and last.words == words:
        return
    threads.add(ctx.acting_as(ReaderActor(reader_id)), request, words)
    if request.waits_since is None:
        request.waits_since = ctx.at
