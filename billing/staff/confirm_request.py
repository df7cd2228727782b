"""Have a request to cancel proved: its reader follows a mailed link and says that it is theirs. It counts from when it came."""

from datetime import datetime, timedelta

from sqlmodel import Session

from billing.errors import Conflict, Refusal
from billing.mail import outbox
from billing.office import Office
from billing.payments.tell import moment
from billing.readers.register import by_id
from billing.rules.lifecycle import State
from billing.staff import audit, facts
from billing.staff.audit import Actor
from billing.staff.cancellations import cancel_for_reader
from billing.staff.models import ReaderRequest, RequestKind
from billing.staff.requests import UnknownRequest, one
from billing.subscriptions.models import Subscription
from emails import ConfirmRequest

LINK_LIFE = timedelta(days=14)
"""How long the link in the mail is good."""
WHY = "asked by the form, confirmed by a mailed link"


class NothingToConfirm(Conflict):
    """Only an open request to cancel that came with a reader's address, and isn't proved yet, can be confirmed."""

    code = "nothing_to_confirm"


class ConfirmSpent(Refusal):
    """Your request is answered, or this link is older than two weeks. You can cancel from your account at any time."""

    status = 410
    code = "confirm_spent"
    title = "This link is spent"


def may_ask(request: ReaderRequest) -> bool:
    """Whether its reader can be asked to confirm it."""
    is_open = request.closed_at is None and not request.proved
    return is_open and request.kind is RequestKind.CANCEL and request.reader_id is not None


def ask(session: Session, office: Office, request_id: str, *, actor: Actor, at: datetime) -> ReaderRequest:
    """Mail the reader a link that confirms the request: to their address as we have it, and at most one mail a day. Raises
    UnknownRequest, NothingToConfirm."""
    request = _hold(session, request_id)
    if not may_ask(request) or request.reader_id is None:
        raise NothingToConfirm
    request.confirm_asked_at = at
    session.add(request)
    reader = by_id(session, request.reader_id)
    words = ConfirmRequest(
        asked_text=moment(office, request.received_at),
        question=request.words,
        confirm_url=office.confirm_url(request.id),
        account_url=office.account_url,
        days=LINK_LIFE.days,
    )
    outbox.queue(
        session,
        words,
        key=f"confirm-request:{request.id}:{office.today(at).isoformat()}",
        to=reader.email,
        reader_id=reader.id,
        at=at,
        expires_at=at + LINK_LIFE,
        about=request.id,
    )
    audit.write(session, actor, "ask_to_confirm", at=at, reader_id=reader.id, subject=request.id)
    return request


def asked(session: Session, request_id: str, at: datetime) -> ReaderRequest:
    """The request that a link is about, while it can be confirmed. Raises UnknownRequest, ConfirmSpent."""
    request = one(session, request_id)
    asked_at = request.confirm_asked_at
    if not may_ask(request) or asked_at is None or at > asked_at + LINK_LIFE:
        raise ConfirmSpent
    return request


def confirm(session: Session, office: Office, request_id: str, at: datetime) -> ReaderRequest:
    """The reader says that it is theirs: what they asked is done at once. What was charged since it came is owed; where that
    was more than a week ago, staff give it back. Raises UnknownRequest, ConfirmSpent."""
    _hold(session, request_id)
    request = asked(session, request_id, at)
    request.proved, request.confirmed_at = True, at
    session.add(request)
    session.flush()
    about = session.get(Subscription, request.subscription_id)
    if about is not None and about.state is not State.ENDED:
        cancel_for_reader(session, office, about.id, asked_at=at, at=at, by="reader", why=WHY)
    return request


def _hold(session: Session, request_id: str) -> ReaderRequest:
    """Its reader's affairs, as acts hold them; then the request."""
    reader_id = one(session, request_id).reader_id
    if reader_id is not None:
        facts.hold(session, reader_id)
    request = session.get(ReaderRequest, request_id, with_for_update=True, populate_existing=True)
    if request is None:
        raise UnknownRequest
    return request
