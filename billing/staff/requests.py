"""What readers ask of staff. The moment a request came is kept: a cancellation counts from it."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from billing import ids
from billing.errors import Conflict, Invalid, NotFound
from billing.mail import outbox
from billing.office import Office
from billing.payments import tell_requests
from billing.payments.models import Payment
from billing.payments.refund import left_of
from billing.readers import rate
from billing.readers.models import Reader
from billing.readers.register import by_address, clean_address
from billing.renewals import cancel
from billing.renewals.withdraw import Withdrawal, offered
from billing.rules.card_numbers import holds_card_number
from billing.rules.lifecycle import State
from billing.staff import audit, facts
from billing.staff.audit import Actor
from billing.staff.models import ReaderRequest, RequestKind
from billing.subscriptions.change import lock, mark, take_back_mails
from billing.subscriptions.find import latest_of, live_of, terms_of
from billing.subscriptions.schedule import next_charge
from billing.tokens import Tokens
from emails import RequestAnswered

LONGEST = 2000
ANSWERED_BY_ACT = "Cancelled; the mail that confirms it is the answer."
KEPT = "The reader, signed in, says that the subscription goes on."
BY_FORM = "asked by the form, signed in"
WITHDRAWN_BY_ACT = "Withdrawn; the mail that says what goes back is the answer."


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


def count_tries(session: Session, tokens: Tokens, email: str, ip: str, at: datetime) -> None:
    """At most five requests an hour for an address, and twenty from a network address. Raises BadAddress, TooMany."""
    hour = timedelta(hours=1)
    rate.count(session, tokens, "request", clean_address(email), limit=5, per=hour, at=at)
    rate.count(session, tokens, "request-from", ip, limit=20, per=hour, at=at)


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
) -> ReaderRequest:
    """Keep a request. `reader` is who is signed in; else the address says whose it may be, and nobody is told whether we
    know it. One to cancel has its effect at once (see `_act_on`). Raises BadAddress, NothingSaid, CardNumberIn (SEC-12)."""
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
        proved=reader is not None,
        words=words,
        ip=ip[:64],
        device=device[:300],
    )
    session.add(request)
    session.flush()
    if kind is RequestKind.CANCEL and owner is not None:
        _act_on(session, office, request, owner.id, at)
    return request


def _act_on(session: Session, office: Office, request: ReaderRequest, reader_id: str, at: datetime) -> None:
    """Whoever is signed in has cancelled by asking: nothing waits for staff but what was written besides. With a mere address
    it may be a stranger: the next charge is held, and the reader is told. The lock keeps a charge from being begun meanwhile."""
    running = live_of(session, reader_id)
    if running is None:
        return
    subscription = lock(session, running.id)
    if subscription.state is State.ENDED or subscription.cancel_asked_at is not None:
        return
    if request.proved:
        cancel.cancel(session, office, subscription.id, asked_at=at, at=at, by="reader", why=BY_FORM)
        if not request.words:
            _close(session, request, ANSWERED_BY_ACT, "reader", at)
    elif subscription.cancel_request_at is None:
        mark(subscription, office.zone, cancel_request_at=at)
        session.add(subscription)
        tell_requests.cancel_requested(session, office, subscription, at)


def one(session: Session, request_id: str) -> ReaderRequest:
    """Raises UnknownRequest."""
    found = session.get(ReaderRequest, request_id)
    if found is None:
        raise UnknownRequest
    return found


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


@dataclass(frozen=True, slots=True)
class Waiting:
    """An open request with the cents at risk: charged since it came and not given back, and charged next, on which day. With a
    request to withdraw, also what the reader would get back, and the earlier withdrawals because of which staff decide."""

    request: ReaderRequest
    charged_since: int = 0
    next_cents: int = 0
    next_at: datetime | None = None
    withdrawal: Withdrawal | None = None


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
    withdrawal = _withdrawal(session, office, request)
    subscription = live_of(session, request.reader_id)
    due = next_charge(subscription, office.zone) if subscription else None
    if subscription is None or due is None:
        return Waiting(request, since, withdrawal=withdrawal)
    return Waiting(request, since, terms_of(session, subscription)[1].amount, due.at, withdrawal)


def _withdrawal(session: Session, office: Office, request: ReaderRequest) -> Withdrawal | None:
    """What was offered to the reader when the request came."""
    if request.kind is not RequestKind.WITHDRAW or request.reader_id is None:
        return None
    return offered(session, office, latest_of(session, request.reader_id), request.received_at)


def answer(
    session: Session, office: Office, request_id: str, words: str, *, actor: Actor, at: datetime
) -> ReaderRequest:
    """Answer by mail, and close it, once. Raises UnknownRequest, AlreadyClosed, NothingSaid, CardNumberIn."""
    words = words.strip()[:LONGEST]
    if not words:
        raise NothingSaid
    if holds_card_number(words):
        raise CardNumberIn
    found = one(session, request_id)
    if found.reader_id is not None:
        facts.hold(session, found.reader_id)  # before the request, as acts do
    request = _lock(session, request_id)
    asked_on = office.today(request.received_at).isoformat()
    said = request.words or "Please cancel my subscription."
    mail = RequestAnswered(asked_on=asked_on, question=said, answer=words, account_url=office.account_url)
    outbox.queue(
        session,
        mail,
        key=f"request-answered:{request.id}",
        to=request.email,
        reader_id=request.reader_id,
        at=at,
        expires_at=at + outbox.RECEIPT_LIFE,
    )
    _close(session, request, words, actor.by, at)
    _release(session, office, request.reader_id)
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


def close_to_cancel(
    session: Session,
    office: Office,
    reader_id: str,
    *,
    by: str,
    at: datetime,
    words: str = ANSWERED_BY_ACT,
    since: datetime | None = None,
) -> None:
    """The reader's requests to cancel are done with: all, or those received from `since` on. The reader's affairs are held."""
    for request in open_of(session, reader_id):
        if request.kind is RequestKind.CANCEL and (since is None or request.received_at >= since):
            _close(session, request, words, by, at)
    _release(session, office, reader_id)


def close_to_withdraw(session: Session, office: Office, reader_id: str, *, by: str, at: datetime) -> None:
    """The reader's requests to withdraw are done with, and those to cancel too. The reader's affairs are held."""
    for request in open_of(session, reader_id):
        if request.kind in (RequestKind.CANCEL, RequestKind.WITHDRAW):
            _close(session, request, WITHDRAWN_BY_ACT, by, at)
    _release(session, office, reader_id)


def keep(session: Session, office: Office, reader_id: str, *, at: datetime) -> None:
    """The reader, signed in, says that the subscription goes on. Raises UnknownReader."""
    facts.hold(session, reader_id)
    close_to_cancel(session, office, reader_id, by="reader", at=at, words=KEPT)


def _release(session: Session, office: Office, reader_id: str | None) -> None:
    """Hold no more charges once no request to cancel is open. A day that the reader was told stays."""
    session.flush()
    running = live_of(session, reader_id) if reader_id is not None else None
    if running is None or running.cancel_request_at is None or reader_id is None:
        return
    if first_to_cancel(session, reader_id) is None:
        subscription = lock(session, running.id)
        mark(subscription, office.zone, cancel_request_at=None)
        session.add(subscription)
        take_back_mails(session, [subscription], office.zone)


def _lock(session: Session, request_id: str) -> ReaderRequest:
    request = session.exec(
        select(ReaderRequest)
        .where(ReaderRequest.id == request_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).first()
    if request is None:
        raise UnknownRequest
    if request.closed_at is not None:
        raise AlreadyClosed(f"{request.closed_by} answered it: “{request.answer}”")
    return request


def _close(session: Session, request: ReaderRequest, words: str, by: str, at: datetime) -> None:
    request.answer, request.closed_at, request.closed_by = words, at, by
    session.add(request)
