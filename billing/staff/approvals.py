"""What waits for a second member: asked for with its preview, approved or declined by another, and done once (SEC-6).

A command on the machine decides like any second person: who can give it holds the database too, and an installation with one
admin isn't locked out."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from typing import Any

from sqlmodel import Session, col, select

from billing.mail import obsolete
from billing.platform import ids
from billing.platform.actors import Actor, staff_id_of
from billing.platform.context import TransactionContext
from billing.platform.db import lock_row
from billing.platform.errors import Conflict, NotFound, Refusal
from billing.readers.register import clean_address
from billing.rules.lifecycle import NoSuchTransition
from billing.staff import api_keys, audit, members
from billing.staff.acts.perform import ActNeedsReason, checked, perform_approved
from billing.staff.acts.shape import Act, format_zar
from billing.staff.acts.stored import load, store
from billing.staff.approval_models import Approval, ApprovalKind, ApprovalState
from billing.staff.key_models import ApiKey
from billing.staff.models import StaffMember
from billing.staff.notices import admin_added, approval_asked
from billing.staff.roles import Role, may
from billing.staff.second_member import NotTheSecond, may_decide, needed_of

LIFE = timedelta(days=7)
"""How long something waits."""


class UnknownApproval(NotFound):
    """Nothing of that name waits for approval."""

    code = "unknown_approval"


class NotWaiting(Conflict):
    """It doesn't wait any more: it was decided, or its seven days are over."""

    code = "not_waiting"


class AlreadyAsked(Conflict):
    """The same waits for approval already."""

    code = "already_asked"


def ask_for_act(ctx: TransactionContext, act: Act, *, role: Role, reason: str, version: str) -> Approval:
    """Let an act that gives back more than one member may wait for a second. Raises as `acts.perform`, AlreadyAsked."""
    reason, given = checked(ctx, act, role=role, reason=reason, version=version)
    return _ask(
        ctx,
        ApprovalKind.REFUND,
        reason,
        act=store(act),
        words=given.words,
        reader_id=act.reader_id,
        cents=given.cents,
        version=version,
    )


def ask_for_admin(ctx: TransactionContext, email: str, *, reason: str) -> Approval:
    """Let a new admin wait for another admin. Raises BadAddress, NeedsReason, AlreadyAsked."""
    email = clean_address(email)
    words = (f"{email} may do everything here, as an admin.",)
    return _ask(ctx, ApprovalKind.NEW_ADMIN, reason, act={"email": email}, words=words)


def ask_for_key(ctx: TransactionContext, key: ApiKey, cents: int, *, reason: str) -> Approval:
    """Let a key's ceiling of money wait for another admin. Raises NeedsReason, AlreadyAsked."""
    words = (
        f"The API key {key.name} may give {format_zar(cents)} back in a day, to all readers together.",
        f"Until then it may give {format_zar(key.cents_a_day)}.",
    )
    act = {"key_id": key.id, "cents": cents}
    return _ask(ctx, ApprovalKind.KEY_CEILING, reason, act=act, words=words)


def _ask(
    ctx: TransactionContext,
    kind: ApprovalKind,
    reason: str,
    *,
    act: dict[str, Any],
    words: Iterable[str],
    **more: Any,
) -> Approval:
    if not reason.strip():
        raise ActNeedsReason
    if any(one.act == act for one in waiting(ctx)):
        raise AlreadyAsked
    approval = Approval(
        id=ids.new("apv", ctx.at),
        kind=kind,
        state=ApprovalState.WAITING,
        asked_by=str(staff_id_of(ctx.actor)),
        asked_at=ctx.at,
        expires_at=ctx.at + LIFE,
        reason=reason.strip(),
        act=act,
        words=list(words),
        **more,
    )
    ctx.session.add(approval)
    ctx.session.flush()
    audit.write(
        ctx,
        "ask_approval",
        reader_id=approval.reader_id,
        subject=approval.id,
        reason=approval.reason,
        after={"kind": approval.kind.value, "cents": approval.cents, "words": approval.words},
    )
    approval_asked(ctx, approval)
    return approval


def waiting(ctx: TransactionContext) -> list[Approval]:
    """All that can still be approved, oldest first."""
    rows = ctx.session.exec(
        select(Approval)
        .where(Approval.state == ApprovalState.WAITING, Approval.expires_at > ctx.at)
        .order_by(col(Approval.asked_at), col(Approval.id))
    )
    return list(rows)


def decided(session: Session, limit: int) -> list[Approval]:
    """What was decided last."""
    rows = session.exec(
        select(Approval)
        .where(Approval.state != ApprovalState.WAITING)
        .order_by(col(Approval.decided_at).desc())
        .limit(limit)
    )
    return list(rows)


def approve(ctx: TransactionContext, approval_id: str) -> Approval:
    """Do what was asked, if it is still what was shown; else it is over, and must be asked for again. Raises UnknownApproval,
    NotWaiting, NotTheSecond."""
    approval = _lock(ctx, approval_id)
    if (staff_id := staff_id_of(ctx.actor)) is not None:
        member = members.by_id(ctx.session, staff_id)
        if not may_decide(ctx, approval, member):
            raise NotTheSecond
    asker = members.by_id(ctx.session, approval.asked_by)
    with ctx.session.begin_nested() as attempt:
        done = _do(ctx, approval, asker)
        if not done:
            attempt.rollback()
    state = ApprovalState.DONE if done else ApprovalState.CHANGED
    _decide(ctx, approval, state, "approve")
    return approval


def _do(ctx: TransactionContext, approval: Approval, asker: StaffMember) -> bool:
    needed = needed_of(approval) or load(approval.act).what
    if asker.disabled_at is not None or not may(asker.role, needed):
        return False
    asked = audit.of(asker, "")
    if approval.kind is ApprovalKind.NEW_ADMIN:
        return _add_admin(ctx, approval, asked)
    if approval.kind is ApprovalKind.KEY_CEILING:
        return _raise_ceiling(ctx, approval, asked)
    try:
        line = perform_approved(
            ctx.acting_as(asked),
            load(approval.act),
            role=asker.role,
            reason=approval.reason,
            version=approval.version,
            cents=approval.cents,
        )
    except (Refusal, NoSuchTransition):
        return False
    approval.line_id = line.id if line else None
    return line is not None


def _add_admin(ctx: TransactionContext, approval: Approval, asked: Actor) -> bool:
    email = approval.act["email"]
    try:
        members.add(ctx, email, Role.ADMIN, asked_by=asked)
    except members.NotYourself:
        return False
    admin_added(ctx, email)
    return True


def _raise_ceiling(ctx: TransactionContext, approval: Approval, asked: Actor) -> bool:
    try:
        key = api_keys.lock(ctx, approval.act["key_id"])
    except api_keys.UnknownKey:
        return False
    ceilings = replace(key.ceilings, cents=approval.act["cents"])
    approval.line_id = api_keys.limit(ctx.acting_as(asked), key.id, ceilings).id
    return True


def decline(ctx: TransactionContext, approval_id: str) -> Approval:
    """Nothing is done. The one who asked may take it back so. Raises UnknownApproval, NotWaiting."""
    approval = _lock(ctx, approval_id)
    _decide(ctx, approval, ApprovalState.DECLINED, "decline_approval")
    return approval


def _lock(ctx: TransactionContext, approval_id: str) -> Approval:
    found = lock_row(ctx.session, Approval, approval_id)
    if found is None:
        raise UnknownApproval
    if found.state is not ApprovalState.WAITING or found.expires_at <= ctx.at:
        raise NotWaiting
    return found


def _decide(ctx: TransactionContext, approval: Approval, state: ApprovalState, act: str) -> None:
    approval.state, approval.decided_by, approval.decided_at = state, staff_id_of(ctx.actor), ctx.at
    ctx.session.add(approval)
    audit.write(
        ctx,
        act,
        reader_id=approval.reader_id,
        subject=approval.id,
        reason=approval.reason,
        after={"became": state.value},
    )
    obsolete.take_back(ctx.session, [approval.id])
