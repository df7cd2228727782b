"""What waits for a second member: stored with its preview, approved or declined by another member, and done once (SEC-6).

A command on the machine decides like any second member: an operator can change the database anyway, and an installation with
one admin isn't locked out."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from typing import Any

from sqlmodel import Session, col, select

from billing.mail import obsolete
from billing.platform import ids
from billing.platform.actors import staff_id_of
from billing.platform.context import TransactionContext
from billing.platform.db import lock_names, lock_row
from billing.platform.errors import Conflict, NotFound, Refusal
from billing.readers.register import clean_address
from billing.rules.lifecycle import NoSuchTransition
from billing.staff import admin_changes, api_keys, audit, members
from billing.staff.acts.perform import ActNeedsReason, checked, perform_approved
from billing.staff.acts.shape import Act, format_zar
from billing.staff.acts.stored import load, store
from billing.staff.admin_changes import AdminChange
from billing.staff.approval_models import Approval, ApprovalKind, ApprovalState
from billing.staff.bulk import decide as bulk_actions
from billing.staff.key_models import ApiKey
from billing.staff.models import StaffMember
from billing.staff.notices import admin_added, approval_asked
from billing.staff.roles import Permission, Role, may
from billing.staff.second_member import NotTheSecond, is_about, may_decide, needed_of

LIFE = timedelta(days=7)
"""How long an approval waits."""


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
    """Store an act that gives back more than one member alone may. Raises as `acts.perform`, AlreadyAsked."""
    reason, given = checked(ctx, act, role=role, reason=reason, version=version)
    approval = _new(ctx, ApprovalKind.REFUND, reason, store(act), given.words)
    approval.reader_id, approval.cents, approval.version = act.reader_id, given.cents, version
    return _ask(ctx, approval)


def ask_for_admin(ctx: TransactionContext, email: str, *, reason: str) -> Approval:
    """Ask another admin to approve a new one. Raises BadAddress, ActNeedsReason, AlreadyAsked."""
    email = clean_address(email)
    words = (f"{email} may do everything here, as an admin.",)
    return _ask(ctx, _new(ctx, ApprovalKind.NEW_ADMIN, reason, {"email": email}, words))


def ask_for_admin_change(
    ctx: TransactionContext,
    member: StaffMember,
    change: AdminChange,
    *,
    role: Role | None = None,
    reason: str,
) -> Approval:
    """Ask another admin to approve what is done to a third. Raises ActNeedsReason, AlreadyAsked."""
    act, words = admin_changes.to_store(member, change, role)
    return _ask(ctx, _new(ctx, ApprovalKind.ADMIN_CHANGE, reason, act, (words,)))


def ask_for_key(ctx: TransactionContext, key: ApiKey, cents: int, *, reason: str) -> Approval:
    """Ask another admin to approve a key's ceiling of money. Raises ActNeedsReason, AlreadyAsked."""
    words = (
        f"The API key {key.name} may give {format_zar(cents)} back in a day, to all readers together.",
        f"Until then it may give {format_zar(key.cents_a_day)}.",
    )
    act = {"key_id": key.id, "cents": cents}
    return _ask(ctx, _new(ctx, ApprovalKind.KEY_CEILING, reason, act, words))


def ask_for_bulk(ctx: TransactionContext, action_id: str, *, reason: str) -> Approval:
    """Ask for an act on many readers, which waits until then. Raises as `bulk.decide.ask`."""
    action, ready, words = bulk_actions.ask(ctx, action_id, reason=reason)
    approval = _new(ctx, ApprovalKind.BULK, action.reason, {"bulk_action_id": action.id}, words)
    approval.cents = ready.cents
    _ask(ctx, approval)
    action.approval_id = approval.id
    return approval


def _new(
    ctx: TransactionContext, kind: ApprovalKind, reason: str, act: dict[str, Any], words: Iterable[str]
) -> Approval:
    return Approval(
        id=ids.new("apv", ctx.at),
        kind=kind,
        state=ApprovalState.WAITING,
        asked_by=str(staff_id_of(ctx.actor)),
        asked_at=ctx.at,
        expires_at=ctx.at + LIFE,
        reason=reason.strip(),
        act=act,
        words=list(words),
    )


def _ask(ctx: TransactionContext, approval: Approval) -> Approval:
    if not approval.reason:
        raise ActNeedsReason
    lock_names(ctx.session, "approvals")  # two members who ask at once would both find that nobody has
    if any(other.act == approval.act for other in waiting(ctx)):
        raise AlreadyAsked
    ctx.session.add(approval)
    ctx.session.flush()
    after = {"kind": approval.kind.value, "cents": approval.cents, "words": approval.words}
    _audit(ctx, approval, "ask_approval", after)
    approval_asked(ctx, approval)
    return approval


def _audit(ctx: TransactionContext, approval: Approval, act: str, after: dict[str, Any]) -> None:
    reader_id, reason = approval.reader_id, approval.reason
    audit.write(ctx, act, reader_id=reader_id, subject=approval.id, reason=reason, after=after)


def waiting(ctx: TransactionContext) -> list[Approval]:
    """All that can still be approved, oldest first."""
    can_be = Approval.state == ApprovalState.WAITING, Approval.expires_at > ctx.at
    oldest_first = col(Approval.asked_at), col(Approval.id)
    return list(ctx.session.exec(select(Approval).where(*can_be).order_by(*oldest_first)))


def decided(session: Session, limit: int) -> list[Approval]:
    """The latest decisions, newest first."""
    is_decided, newest_first = Approval.state != ApprovalState.WAITING, col(Approval.decided_at).desc()
    return list(session.exec(select(Approval).where(is_decided).order_by(newest_first).limit(limit)))


def approve(ctx: TransactionContext, approval_id: str) -> Approval:
    """Do what was asked, if it is still what the preview showed; else it must be asked for again. Raises UnknownApproval,
    NotWaiting, NotTheSecond."""
    approval = _lock(ctx, approval_id)
    if (staff_id := staff_id_of(ctx.actor)) is not None:
        member = members.by_id(ctx.session, staff_id)
        if not may_decide(ctx, approval, member):
            raise NotTheSecond
    # a refused act leaves nothing behind, and its decision is kept
    with ctx.session.begin_nested() as attempt:
        done = _do(ctx, approval)
        if not done:
            attempt.rollback()
    _decide(ctx, approval, ApprovalState.DONE if done else ApprovalState.CHANGED, "approve")
    return approval


_CHANGED: dict[ApprovalKind, type[Refusal]] = {
    ApprovalKind.NEW_ADMIN: members.NotYourself,
    ApprovalKind.ADMIN_CHANGE: members.NotYourself,
    ApprovalKind.KEY_CEILING: api_keys.UnknownKey,
}
"""The refusal that says that things are others than when it was asked for; of an act, every one does."""


def _do(ctx: TransactionContext, approval: Approval) -> bool:
    asker = members.by_id(ctx.session, approval.asked_by)
    is_bulk = approval.kind is ApprovalKind.BULK
    needed = Permission.MANY if is_bulk else needed_of(approval) or load(approval.act).what
    if asker.disabled_at is not None or not may(asker.role, needed):
        return False
    try:
        if approval.kind is ApprovalKind.NEW_ADMIN:
            email = approval.act["email"]
            members.invite(ctx, email, Role.ADMIN, asked_by=audit.of(asker, ""))
            admin_added(ctx, email)
            return True
        if approval.kind is ApprovalKind.ADMIN_CHANGE:
            return admin_changes.do(ctx, approval, audit.of(asker, ""))
        # From here on the asker acts: the audit and the limits count the act as theirs.
        approval.line_id = _act(ctx.acting_as(audit.of(asker, "")), approval, asker.role)
    except _CHANGED.get(approval.kind, (Refusal, NoSuchTransition)):
        return False
    return approval.line_id is not None


def _act(ctx: TransactionContext, approval: Approval, role: Role) -> int | None:
    """The id of the audit line; None where the reader's state has changed."""
    if approval.kind is ApprovalKind.KEY_CEILING:
        key = api_keys.lock(ctx, approval.act["key_id"])
        return api_keys.limit(ctx, key.id, replace(key.ceilings, cents=approval.act["cents"])).id
    if approval.kind is ApprovalKind.BULK:
        return bulk_actions.begin_approved(ctx, approval).id
    line = perform_approved(
        ctx,
        load(approval.act),
        role=role,
        reason=approval.reason,
        version=approval.version,
        cents=approval.cents,
    )
    return line.id if line else None


def decline(ctx: TransactionContext, approval_id: str) -> Approval:
    """Do nothing. The asking member may take it back this way. Raises UnknownApproval, NotWaiting, and
    NotTheSecond where their own account would change."""
    approval = _lock(ctx, approval_id)
    staff_id = staff_id_of(ctx.actor)
    if staff_id is not None and is_about(approval, members.by_id(ctx.session, staff_id)):
        raise NotTheSecond
    _decide(ctx, approval, ApprovalState.DECLINED, "decline_approval")
    if approval.kind is ApprovalKind.BULK:
        bulk_actions.decline(ctx, approval)
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
    _audit(ctx, approval, act, {"became": state.value})
    obsolete.take_back(ctx.session, [approval.id])
