"""What a member decides about an act on many: make it, begin it, stop it, go on with it, give it up."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from billing.platform import ids
from billing.platform.actors import staff_id_of
from billing.platform.context import TransactionContext
from billing.platform.db import lock_row
from billing.platform.errors import Conflict, NotFound
from billing.rules import bulk_action
from billing.rules.bulk_action import ENDED, WORKED_ON, BulkEvent, BulkState
from billing.rules.card_numbers import without_card_numbers
from billing.rules.money import grouped
from billing.staff import audit
from billing.staff.acts.limits import given_alone_today
from billing.staff.acts.perform import ActNeedsReason
from billing.staff.acts.shape import format_zar
from billing.staff.approval_models import Approval, ApprovalState
from billing.staff.bulk import choose
from billing.staff.bulk.models import BulkAction, BulkLine, LineState
from billing.staff.bulk.terms import Terms, load, store
from billing.staff.models import AuditLine
from billing.staff.roles import Permission


class UnknownBulkAction(NotFound):
    """There is no such act on many readers."""

    code = "unknown_bulk_action"


class StandsOtherwise(Conflict):
    """That can't be done with it any more, or not yet. Look at how it stands now."""

    code = "not_now"
    title = "It stands otherwise now"


class NothingToDo(Conflict):
    """The act can be done for none of these readers."""

    code = "nothing_to_do"


@dataclass(frozen=True, slots=True)
class Sum:
    """Lines in one state: how many, what they give in all, and the most that one gives."""

    lines: int = 0
    cents: int = 0
    days: int = 0
    most_cents: int = 0


def make(
    ctx: TransactionContext, terms: Terms, selection: dict[str, Any], reader_ids: Sequence[str] | None = None
) -> BulkAction:
    """Make an act and freeze its readers; a selection by time is listed by the worker. Raises NobodyChosen."""
    if reader_ids is not None and not reader_ids:
        raise choose.NobodyChosen
    state = BulkState.CHOOSING if reader_ids is None else BulkState.CHECKING
    action = BulkAction(
        id=ids.new("blk", ctx.at),
        kind=terms.kind,
        state=state,
        terms=store(terms),
        selection=selection,
        made_by=str(staff_id_of(ctx.actor)),
        made_at=ctx.at,
        next_run_at=ctx.at,
    )
    ctx.session.add(action)
    ctx.session.flush()
    choose.add(ctx.session, action, ((reader_id, reader_id, None) for reader_id in reader_ids or ()))
    return action


def one(session: Session, action_id: str) -> BulkAction:
    """Raises UnknownBulkAction."""
    found = session.get(BulkAction, action_id)
    if found is None:
        raise UnknownBulkAction
    return found


def latest(session: Session, limit: int, *, older_than: str = "") -> Sequence[BulkAction]:
    """The acts, newest first; `older_than` is the last id of the page before."""
    newest = select(BulkAction).order_by(col(BulkAction.id).desc()).limit(limit)
    return session.exec(newest.where(BulkAction.id < older_than) if older_than else newest).all()


def sums(session: Session, action_id: str) -> dict[LineState, Sum]:
    """What its lines come to, by state."""
    rows = session.execute(
        sa.select(
            col(BulkLine.state),
            sa.func.count(),
            sa.func.coalesce(sa.func.sum(col(BulkLine.cents)), 0),
            sa.func.coalesce(sa.func.sum(col(BulkLine.days)), 0),
            sa.func.coalesce(sa.func.max(col(BulkLine.cents)), 0),
        )
        .where(col(BulkLine.action_id) == action_id)
        .group_by(col(BulkLine.state))
    )
    found = {
        state: Sum(int(lines), int(cents), int(days), int(most)) for state, lines, cents, days, most in rows
    }
    return {state: found.get(state, Sum()) for state in LineState}


def needs_second(ctx: TransactionContext, ready: Sum) -> bool:
    """Whether a second member must decide: about so many readers, or so much money to one of them or in all."""
    limits = ctx.site.staff_limits
    return (
        bulk_action.needs_second_member(ready.lines, most_readers=limits.second_person_readers)
        or ready.most_cents > limits.second_person_limit
        or (ready.cents > 0 and ready.cents + given_alone_today(ctx) > limits.second_person_day_limit)
    )


def begin(ctx: TransactionContext, action_id: str, *, reason: str) -> AuditLine:
    """Begin what was previewed, on one member's decision. Raises UnknownBulkAction, StandsOtherwise, NothingToDo, ActNeedsReason."""
    action = lock(ctx, action_id)
    _note_reason(action, reason)
    return _begin(ctx, action, approved=False)


def ask(ctx: TransactionContext, action_id: str, *, reason: str) -> tuple[BulkAction, Sum, tuple[str, ...]]:
    """Let it wait for a second member: the act, what it comes to, and its words for the approval. Raises as `begin`."""
    action = lock(ctx, action_id)
    _note_reason(action, reason)
    move(ctx, action, BulkEvent.ASK)
    ready = _ready(ctx.session, action)
    return action, ready, summary(action, ready)


def begin_approved(ctx: TransactionContext, approval: Approval) -> AuditLine:
    """Begin what a second member has approved, as the member who asked. Raises UnknownBulkAction, StandsOtherwise."""
    action = lock(ctx, approval.act["bulk_action_id"])
    if action.approval_id != approval.id:
        raise StandsOtherwise
    return _begin(ctx, action, approved=True)


def decline(ctx: TransactionContext, approval: Approval) -> None:
    """The second member said no: it stands as after its preview."""
    action = lock(ctx, approval.act["bulk_action_id"])
    if action.approval_id == approval.id and action.state is BulkState.ASKED:
        move(ctx, action, BulkEvent.DECLINE)


def stop(ctx: TransactionContext, action_id: str) -> None:
    """Do no more for now; the line that is being done is done. Raises UnknownBulkAction, StandsOtherwise."""
    _decide(ctx, action_id, BulkEvent.STOP, "stop_many")


def resume(ctx: TransactionContext, action_id: str) -> None:
    """Go on with the rest. Raises UnknownBulkAction, StandsOtherwise."""
    _decide(ctx, action_id, BulkEvent.RESUME, "resume_many")


def give_up(ctx: TransactionContext, action_id: str) -> None:
    """Leave the rest undone for good. Raises UnknownBulkAction, StandsOtherwise."""
    _decide(ctx, action_id, BulkEvent.GIVE_UP, "give_up_many")


def _decide(ctx: TransactionContext, action_id: str, event: BulkEvent, act: str) -> None:
    action = lock(ctx, action_id)
    before = action.state
    move(ctx, action, event)
    action.stopped_because = ""
    audit.write(
        ctx, act, subject=action.id, before={"state": before.value}, after={"state": action.state.value}
    )


def lock(ctx: TransactionContext, action_id: str) -> BulkAction:
    """Lock the act; workers finish their line first. An approval that nobody gave in time counts as declined. Raises
    UnknownBulkAction."""
    action = lock_row(ctx.session, BulkAction, action_id)
    if action is None:
        raise UnknownBulkAction
    if _is_overdue(ctx, action):
        move(ctx, action, BulkEvent.DECLINE)
    return action


def state_now(ctx: TransactionContext, action: BulkAction) -> BulkState:
    """Its state, for a page: as `lock` would leave it."""
    return BulkState.PREVIEWED if _is_overdue(ctx, action) else action.state


def _is_overdue(ctx: TransactionContext, action: BulkAction) -> bool:
    """Whether it was to be approved, and the time for that is over."""
    if action.state is not BulkState.ASKED or action.approval_id is None:
        return False
    approval = ctx.session.get_one(Approval, action.approval_id)
    return approval.state is not ApprovalState.WAITING or approval.expires_at <= ctx.at


def move(ctx: TransactionContext, action: BulkAction, event: BulkEvent) -> None:
    """To the next state. The caller has locked it. Raises StandsOtherwise."""
    state = bulk_action.after(action.state, event)
    if state is None:
        raise StandsOtherwise
    action.state = state
    action.next_run_at = ctx.at if state in WORKED_ON else None
    if state in ENDED:
        action.ended_at = ctx.at


def _note_reason(action: BulkAction, reason: str) -> None:
    reason = without_card_numbers(reason.strip())
    if not reason:
        raise ActNeedsReason
    action.reason = reason


def _ready(session: Session, action: BulkAction) -> Sum:
    ready = sums(session, action.id)[LineState.READY]
    if not ready.lines:
        raise NothingToDo
    return ready


def _begin(ctx: TransactionContext, action: BulkAction, *, approved: bool) -> AuditLine:
    ready = _ready(ctx.session, action)
    action.started_at, action.approved = ctx.at, approved
    move(ctx, action, BulkEvent.START)
    after = {"kind": action.kind.value, "readers": ready.lines, "cents": ready.cents, "days": ready.days}
    chosen = {**action.selection, "approved": approved}
    return audit.write(
        ctx,
        Permission.MANY.value,
        subject=action.id,
        reason=action.reason,
        after=after | chosen | {"terms": action.terms},
    )


def summary(action: BulkAction, ready: Sum) -> tuple[str, ...]:
    """What it would do, in sentences, for the page and the second member."""
    who = "one reader" if ready.lines == 1 else f"{grouped(ready.lines)} readers"
    words = [f"{action.kind.words}, for {who}: {load(action).words}."]
    if ready.cents:
        words.append(
            f"In all {format_zar(ready.cents)} goes back, at most {format_zar(ready.most_cents)} to one."
        )
    if ready.days:
        words.append(f"In all {grouped(ready.days)} days are given.")
    return tuple(words)
