"""What members did with a request besides answering it, kept for the other members."""

from collections.abc import Sequence

from sqlmodel import Session, col, select

from billing.platform import ids
from billing.platform.actors import acted_by
from billing.platform.context import TransactionContext
from billing.staff.models import ReaderRequest
from billing.staff.request_models import RequestStep, RequestStepKind


def record(ctx: TransactionContext, request: ReaderRequest, kind: RequestStepKind, words: str = "") -> None:
    """Add a step. The caller has locked the request."""
    step = RequestStep(
        id=ids.new("rqs", ctx.at),
        request_id=request.id,
        at=ctx.at,
        kind=kind,
        words=words,
        **acted_by(ctx.actor),
    )
    ctx.session.add(step)
    ctx.session.flush()


def of_request(session: Session, request_id: str) -> Sequence[RequestStep]:
    """The steps of a request, oldest first."""
    query = select(RequestStep).where(RequestStep.request_id == request_id)
    return session.exec(query.order_by(col(RequestStep.id))).all()


def with_notes(session: Session, request_ids: Sequence[str]) -> set[str]:
    """Those of these requests on which members have written notes."""
    query = select(RequestStep.request_id).where(
        col(RequestStep.request_id).in_(request_ids), RequestStep.kind == RequestStepKind.NOTE
    )
    return set(session.exec(query))


def last_closings(session: Session, request_ids: Sequence[str]) -> dict[str, RequestStep]:
    """The last time that each of these requests was closed without a mail, by its id."""
    closings = (
        select(RequestStep)
        .where(col(RequestStep.request_id).in_(request_ids), RequestStep.kind == RequestStepKind.CLOSED)
        .order_by(col(RequestStep.id))
    )
    return {closing.request_id: closing for closing in session.exec(closings)}
