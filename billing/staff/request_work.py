"""Members divide requests among themselves: one takes it, another takes it over. Notes, kinds and closing without a mail."""

from datetime import timedelta

from sqlmodel import Session, select

from billing.platform.actors import is_actor, staff_id_of
from billing.platform.context import TransactionContext
from billing.platform.errors import Conflict, Invalid
from billing.readers import deceased
from billing.staff import audit, open_requests
from billing.staff.models import ReaderRequest, RequestKind
from billing.staff.request_models import RequestStep, RequestStepKind
from billing.staff.request_steps import record
from billing.staff.requests import ACTING, AlreadyClosed, clean_words, holder_of, lock_request

PRESSED_TWICE = timedelta(minutes=1)
"""The same note by the same member within this time is one note."""
KINDS = tuple(kind for kind in RequestKind if kind not in ACTING)
"""What a member may say that a request is about. To cancel or to withdraw only its reader asks, and that has effects."""


class ClaimedMeanwhile(Conflict):
    """Somebody else has taken this request since you looked."""

    code = "claimed_meanwhile"
    title = "Somebody else has it now"


class NotYours(Conflict):
    """You don't have this request, so you can't let it go."""

    code = "not_yours"


class KeepsItsKind(Conflict):
    """A request to cancel or to withdraw stays one: it has its effects from when it came. No other becomes one."""

    code = "keeps_its_kind"


class NeedsAnswer(Conflict):
    """The reader asked to end a subscription, and is owed a word: cancel for them, or write why not."""

    code = "needs_answer"


class SayWhyItCloses(Invalid):
    """Say why it needs no answer; the reason is kept with it."""

    code = "say_why"


def claim(ctx: TransactionContext, request_id: str, *, holder: str) -> None:
    """Take a request, over from whoever has it. `holder` is the id of the member who had it when ours looked; empty for nobody.

    Two who press at once: the first has it, the second is refused. Raises UnknownRequest, AlreadyClosed, ClaimedMeanwhile."""
    request = lock_request(ctx.session, request_id)
    me = staff_id_of(ctx.actor)
    if request.claimed_by_id == me:
        return
    if request.waits_since is None:
        raise AlreadyClosed("It is answered, and waits for nobody.")
    if (request.claimed_by_id or "") != holder:
        now_with = holder_of(ctx.session, request)
        raise ClaimedMeanwhile(
            f"{now_with} has taken it since you looked." if now_with else "It was let go since you looked."
        )
    before = holder_of(ctx.session, request) or ""
    request.claimed_by_id, request.claimed_at = me, ctx.at
    record(ctx, request, RequestStepKind.TAKEN_OVER if before else RequestStepKind.CLAIMED, before)
    audit.write(ctx, "claim_request", reader_id=request.reader_id, subject=request.id, before={"by": before})


def release(ctx: TransactionContext, request_id: str) -> None:
    """Let go of a request that the member has. Raises UnknownRequest, NotYours."""
    request = lock_request(ctx.session, request_id)
    if request.claimed_by_id is None or request.claimed_by_id != staff_id_of(ctx.actor):
        raise NotYours
    request.claimed_by_id = request.claimed_at = None
    record(ctx, request, RequestStepKind.RELEASED)
    audit.write(ctx, "release_request", reader_id=request.reader_id, subject=request.id)


def set_kind(ctx: TransactionContext, request_id: str, kind: RequestKind) -> None:
    """Say what a request is about. Raises UnknownRequest, KeepsItsKind."""
    request = lock_request(ctx.session, request_id)
    if request.kind is kind:
        return
    if kind in ACTING or request.kind in ACTING:
        raise KeepsItsKind
    before, request.kind = request.kind, kind
    record(ctx, request, RequestStepKind.KIND, kind.words)
    audit.write(
        ctx,
        "sort_request",
        reader_id=request.reader_id,
        subject=request.id,
        before={"kind": before.value},
        after={"kind": kind.value},
    )


def add_note(ctx: TransactionContext, request_id: str, words: str) -> None:
    """Keep a note for other members, which isn't mailed, and which the reader doesn't see. Raises UnknownRequest, NothingSaid,
    CardNumberIn."""
    words = clean_words(words, needed=True)
    request = lock_request(ctx.session, request_id)
    before = select(RequestStep.id).where(
        RequestStep.request_id == request.id,
        *is_actor(RequestStep, ctx.actor),
        RequestStep.words == words,
        RequestStep.at > ctx.at - PRESSED_TWICE,
    )
    if ctx.session.exec(before).first() is not None:
        return
    record(ctx, request, RequestStepKind.NOTE, words)
    audit.write(
        ctx, "note_on_request", reader_id=request.reader_id, subject=request.id, after={"note": words}
    )


def may_close(session: Session, request: ReaderRequest) -> bool:
    """Whether the request may be closed without a mail: not an open one to end a reader's subscription, while the reader lives."""
    if request.waits_since is None:
        return False
    if request.closed_at is not None or request.kind not in ACTING or request.reader_id is None:
        return True
    return deceased.of(session, request.reader_id) is not None


def close(ctx: TransactionContext, request_id: str, reason: str) -> None:
    """Close a request that needs no answer, such as spam or a thank-you; no mail goes out. A reply opens it again.

    Raises UnknownRequest, AlreadyClosed, NeedsAnswer, SayWhyItCloses."""
    reason = audit.clean_reason(reason)
    if not reason:
        raise SayWhyItCloses
    request = lock_request(ctx.session, request_id)
    if request.waits_since is None:
        raise AlreadyClosed("It is answered, and waits for nobody.")
    if not may_close(ctx.session, request):
        raise NeedsAnswer
    request.waits_since = None
    if request.closed_at is None:
        request.closing_act, request.closed_at = f"Closed without a mail: {reason}", ctx.at
        request.note_closed_by(ctx.actor)
    open_requests.release(ctx, request.reader_id)
    record(ctx, request, RequestStepKind.CLOSED, reason)
    audit.write(ctx, "close_request", reader_id=request.reader_id, subject=request.id, reason=reason)
