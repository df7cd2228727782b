"""Have a request to cancel proved: its reader follows a mailed link and confirms it. It counts from when it came."""

from dataclasses import dataclass

from sqlmodel import Session

from billing.changes import give_back
from billing.platform.actors import ReaderActor
from billing.platform.context import TransactionContext
from billing.platform.errors import Conflict, Refusal
from billing.readers import deceased
from billing.staff import audit, notices, open_requests, request_steps
from billing.staff.cancellations import cancel_for_reader
from billing.staff.models import Effect, ReaderRequest, RequestKind
from billing.staff.request_models import RequestStepKind
from billing.staff.requests import lock_request, one
from billing.subscriptions.find import live_of
from billing.subscriptions.models import Subscription

WHY = "asked by the form, confirmed by a mailed link"


@dataclass(frozen=True, slots=True)
class Confirmed:
    """A request that its reader has confirmed, and what that did at once."""

    request: ReaderRequest
    effect: Effect
    later: bool = False
    """Whether the cancelled subscription began after the request came, so that nothing counts from then."""
    returned: int = 0
    """Cents that are on their way back."""
    owed: int = 0
    """Cents charged since the request came that staff have yet to give back."""


class NothingToConfirm(Conflict):
    """Only an open request to cancel that came with a reader's address, and isn't proved yet, can be confirmed."""

    code = "nothing_to_confirm"


class ConfirmSpent(Refusal):
    """Your request is answered, or this link is older than two weeks. You can cancel from your account at any time."""

    status = 410
    code = "confirm_spent"
    title = "This link is spent"


def may_ask(request: ReaderRequest) -> bool:
    """Whether staff may ask its reader to confirm it."""
    is_open = request.closed_at is None and not request.email_verified
    return is_open and request.kind is RequestKind.CANCEL and request.reader_id is not None


def ask(ctx: TransactionContext, request_id: str) -> ReaderRequest:
    """Mail the reader a link that confirms the request, at most one mail a day. Raises UnknownRequest, NothingToConfirm,
    ReaderHasDied."""
    request = lock_request(ctx.session, request_id)
    if not may_ask(request) or request.reader_id is None:
        raise NothingToConfirm
    deceased.refuse(ctx.session, request.reader_id)
    request.confirm_asked_at = ctx.at
    notices.confirm_request(ctx, request, request.reader_id)
    request_steps.record(ctx, request, RequestStepKind.ASKED)
    audit.write(ctx, "ask_to_confirm", reader_id=request.reader_id, subject=request.id)
    return request


def asked(ctx: TransactionContext, request_id: str) -> ReaderRequest:
    """The request of a mailed link, while it can be confirmed. Raises UnknownRequest, ConfirmSpent."""
    request = one(ctx.session, request_id)
    asked_at = request.confirm_asked_at
    if not may_ask(request) or asked_at is None or ctx.at > asked_at + notices.CONFIRM_LIFE:
        raise ConfirmSpent
    return request


def confirm(ctx: TransactionContext, request_id: str) -> Confirmed:
    """Cancel what runs now for the reader who confirms the request, even if it began after the request came.

    What was charged since the request is owed. Where the request is older than a week, staff give it back. Raises
    UnknownRequest, ConfirmSpent."""
    lock_request(ctx.session, request_id)
    request = asked(ctx, request_id)
    request.email_verified, request.confirmed_at = True, ctx.at
    ctx.session.flush()
    about = ctx.session.get(Subscription, request.subscription_id) if request.subscription_id else None
    before = _charged_since(ctx.session, about, request)
    reader = ReaderActor(str(request.reader_id))
    running = live_of(ctx.session, reader.reader_id)
    if running is None:
        return Confirmed(request, Effect.NOTHING_RUNS, owed=before)
    effect = Effect.WAS_CANCELLED if running.cancel_asked_at is not None else Effect.CANCELLED
    cancel_for_reader(ctx.acting_as(reader), running.id, asked_at=ctx.at, reason=WHY)
    ctx.session.flush()
    owed = _charged_since(ctx.session, about, request)
    if not owed and not request.words and request.closed_at is None:
        open_requests.close(ctx.acting_as(reader), request, open_requests.ANSWERED_BY_ACT)
    return Confirmed(request, effect, running != about, before - owed, owed)


def _charged_since(session: Session, about: Subscription | None, request: ReaderRequest) -> int:
    """Cents charged for the subscription since the request came that aren't on their way back."""
    if about is None:
        return 0
    return sum(payment.cents for payment in give_back.due_back(session, about, request.received_at))
