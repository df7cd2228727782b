"""What readers ask of staff. The moment a request came is kept: a cancellation counts from it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlmodel import Session, col, select

from billing.changes.withdraw import Withdrawal, offered
from billing.notices.requests import cancel_requested
from billing.payments.models import Payment
from billing.platform import ids
from billing.platform.actors import Actor, ReaderActor
from billing.platform.db import lock_row
from billing.platform.errors import Conflict, Invalid, NotFound
from billing.platform.site import Office
from billing.platform.tokens import Tokens
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


def count_tries(
    session: Session, tokens: Tokens, reader: Reader | None, email: str, ip: str, at: datetime
) -> None:
    """At most five requests an hour of a reader who is signed in, whatever strangers ask; else five for a mailbox and twenty from
    a network. Raises BadAddress, TooMany."""
    hour = timedelta(hours=1)
    if reader is not None:
        rate.count(session, tokens, "request-of", reader.id, limit=5, per=hour, at=at)
        return
    rate.count_mailbox(session, tokens, "request", clean_address(email), limit=5, per=hour, at=at)
    rate.count_network(session, tokens, "request-from", ip, limit=20, per=hour, at=at)


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
class Received:
    """A request that is kept, and what it did at once."""

    request: ReaderRequest
    effect: Effect


def receive(
    session: Session,
    office: Office,
    *,
    reader: Reader | None,
    email: str,
    kind: RequestKind,
    words: str,
    at: datetime,
    ip: str,
    device: str,
    subscription_id: str | None = None,
) -> Received:
    """Keep a request. `reader` is who is signed in; else the address says whose it may be, and no answer tells whether we
    know it. One to cancel is about the subscription that runs, and has its effect at once (see `_act_on`). Raises BadAddress,
    NothingSaid, CardNumberIn (SEC-12)."""
    email = clean_address(email)
    words = words.strip()[:LONGEST]
    if not words and kind is not RequestKind.CANCEL:
        raise NothingSaid
    if holds_card_number(words):
        raise CardNumberIn
    owner = reader or by_address(session, email)
    request = ReaderRequest(
        id=ids.new("req", at),
        kind=kind,
        received_at=at,
        email=email,
        reader_id=owner.id if owner else None,
        subscription_id=subscription_id,
        proved=reader is not None,
        words=words,
        ip=ip[:64],
        device=device[:300],
    )
    effect = Effect.WAITS
    if kind is RequestKind.CANCEL and owner is not None:
        effect = _act_on(session, office, request, owner.id, at)
    session.add(request)
    session.flush()
    return Received(request, effect)


def _act_on(session: Session, office: Office, request: ReaderRequest, reader_id: str, at: datetime) -> Effect:
    """A reader who is signed in has cancelled by asking: only what was written besides waits for staff. With a mere address
    it may be a stranger: the next charge is held, and the reader is told. The lock keeps a charge from being begun meanwhile."""
    running = live_of(session, reader_id)
    subscription = lock(session, running.id) if running is not None else None
    if subscription is None or subscription.state is State.ENDED:
        return Effect.NOTHING_RUNS if request.proved else Effect.WAITS
    request.subscription_id = subscription.id
    if request.proved:
        was = subscription.cancel_asked_at is not None
        cancel_for_reader(
            session, office, subscription.id, asked_at=at, at=at, by=ReaderActor(reader_id), why=BY_FORM
        )
        if not request.words:
            open_requests.close(
                session, request, WAS_CANCELLED if was else ANSWERED_BY_ACT, ReaderActor(reader_id), at
            )
        return Effect.WAS_CANCELLED if was else Effect.CANCELLED
    if subscription.cancel_asked_at is None and subscription.cancel_request_at is None:
        mark(subscription, office.zone, cancel_request_at=at)
        cancel_requested(session, office, subscription, at)
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


def waiting(
    session: Session, office: Office, *, reader_id: str | None = None, limit: int = 100
) -> list[Waiting]:
    """Open requests, of everybody or of one reader, oldest first."""
    query = (
        select(ReaderRequest)
        .where(col(ReaderRequest.closed_at).is_(None))
        .order_by(col(ReaderRequest.received_at), col(ReaderRequest.id))
        .limit(limit)
    )
    rows = session.exec(query.where(ReaderRequest.reader_id == reader_id) if reader_id else query).all()
    return [at_risk(session, office, row) for row in rows]


def at_risk(session: Session, office: Office, request: ReaderRequest) -> Waiting:
    """What the request may cost the reader, or us, while it waits."""
    if request.reader_id is None:
        return Waiting(request)
    paid = session.exec(
        select(Payment).where(Payment.reader_id == request.reader_id, Payment.paid_at > request.received_at)
    ).all()
    since = sum(left_of(session, payment) for payment in paid)
    about = session.get(Subscription, request.subscription_id) if request.subscription_id else None
    withdrawal = _withdrawal(session, office, request, about)
    subscription = live_of(session, request.reader_id)
    due = next_charge(subscription, office.zone) if subscription else None
    if subscription is None or due is None:
        return Waiting(request, since, withdrawal=withdrawal, about=about)
    return Waiting(request, since, terms_of(session, subscription)[1].amount, due.at, withdrawal, about)


def _withdrawal(
    session: Session, office: Office, request: ReaderRequest, about: Subscription | None
) -> Withdrawal | None:
    """What was offered to the reader when the request came."""
    if request.kind is not RequestKind.WITHDRAW:
        return None
    return offered(session, office, about, request.received_at)


def answer(
    session: Session, office: Office, request_id: str, words: str, *, actor: Actor, at: datetime
) -> ReaderRequest:
    """Answer by mail, and close it, once. Raises UnknownRequest, AlreadyClosed, NothingSaid, CardNumberIn."""
    words = words.strip()[:LONGEST]
    if not words:
        raise NothingSaid
    if holds_card_number(words):
        raise CardNumberIn
    request = hold(session, request_id)
    if request.closed_at is not None:
        raise AlreadyClosed(f"{request.closed_by} answered it: “{request.answer}”")
    request_answered(session, office, request, words, at)
    open_requests.close(session, request, words, actor, at)
    open_requests.release(session, office, request.reader_id)
    audit.write(
        session,
        actor,
        "answer",
        at=at,
        reader_id=request.reader_id,
        subject=request.id,
        after={"answer": words},
    )
    return request
