"""Who works here, and as what. Every change is audited; disabling ends what is signed in, at once (SEC-6)."""

import sqlalchemy as sa
from sqlmodel import Session, col, select

from billing.platform import ids
from billing.platform.actors import Actor, staff_id_of
from billing.platform.context import TransactionContext
from billing.platform.errors import Conflict, NotFound
from billing.readers.register import clean_address
from billing.staff import audit, browsers, codes, sessions
from billing.staff.models import StaffMember
from billing.staff.roles import Role
from billing.staff.second_member import NeedsSecond


class UnknownMember(NotFound):
    """Nobody by that address or id works here."""

    code = "unknown_staff_member"


class NotYourself(Conflict):
    """You can't do that to yourself; ask another admin."""

    code = "not_yourself"


def by_address(session: Session, email: str) -> StaffMember:
    """Raises UnknownMember."""
    found = session.exec(
        select(StaffMember).where(sa.func.lower(StaffMember.email) == email.strip().lower())
    ).first()
    if found is None:
        raise UnknownMember
    return found


def by_id(session: Session, staff_id: str) -> StaffMember:
    """Raises UnknownMember."""
    found = session.get(StaffMember, staff_id)
    if found is None:
        raise UnknownMember
    return found


def admins(session: Session) -> list[StaffMember]:
    """All admins who may sign in."""
    active = StaffMember.role == Role.ADMIN, col(StaffMember.disabled_at).is_(None)
    return list(session.exec(select(StaffMember).where(*active).order_by(col(StaffMember.id))))


def everybody(session: Session) -> list[StaffMember]:
    """All members, those who may sign in first, by address."""
    return list(
        session.exec(
            select(StaffMember).order_by(
                col(StaffMember.disabled_at).desc().nulls_first(), sa.func.lower(StaffMember.email)
            )
        )
    )


def is_new_admin(session: Session, email: str, role: Role) -> bool:
    """Whether somebody would become an admin who isn't one now."""
    try:
        member = by_address(session, email)
    except UnknownMember:
        return role is Role.ADMIN
    return role is Role.ADMIN and (member.role is not Role.ADMIN or member.disabled_at is not None)


def add(ctx: TransactionContext, email: str, role: Role, *, asked_by: Actor | None = None) -> StaffMember:
    """Let somebody work here in a role; somebody who did gets the role, and may sign in again. A member lets in a new admin when
    another one, `asked_by`, has asked for it (SEC-6). Raises BadAddress, NotYourself, NeedsSecond."""
    email = clean_address(email)
    alone = staff_id_of(ctx.actor) is not None and (
        asked_by is None or staff_id_of(asked_by) == staff_id_of(ctx.actor)
    )
    if alone and is_new_admin(ctx.session, email, role):
        raise NeedsSecond
    try:
        member = by_address(ctx.session, email)
    except UnknownMember:
        member = StaffMember(
            id=ids.new("stf", ctx.at), email=email, role=role, created_at=ctx.at, code_nonce=codes.new_nonce()
        )
        ctx.session.add(member)
        ctx.session.flush()
        _audit(ctx, "add", member, {})
        return member
    if member.id == staff_id_of(ctx.actor):
        raise NotYourself
    before = _facts(member)
    member.role, member.disabled_at = role, None
    sessions.end(ctx, member.id)
    ctx.session.add(member)
    _audit(ctx, "change", member, before)
    return member


def disable(ctx: TransactionContext, member: StaffMember) -> None:
    """Nobody signs in as this member any more, and who is signed in is out. Raises NotYourself."""
    if member.id == staff_id_of(ctx.actor):
        raise NotYourself
    before = _facts(member)
    member.disabled_at = member.disabled_at or ctx.at
    browsers.forget_all(ctx.session, member.id)
    sessions.end(ctx, member.id)
    ctx.session.add(member)
    _audit(ctx, "disable", member, before)


def end_sessions(ctx: TransactionContext, member: StaffMember, *, only: str | None = None) -> int:
    """Sign the member out everywhere, or end `only` one session; how many ended."""
    ended = sessions.end(ctx, member.id, only=only)
    audit.write(ctx, "staff_sign_out", subject=member.id, after={"email": member.email, "ended": ended})
    return ended


def reset_codes(ctx: TransactionContext, member: StaffMember) -> None:
    """Forget the authenticator: the next sign-in sets up a new one. Raises NotYourself."""
    if member.id == staff_id_of(ctx.actor):
        raise NotYourself
    before = _facts(member)
    member.code_nonce, member.code_secret, member.enrolled_at = codes.new_nonce(), "", None
    member.last_step = 0
    codes.clear(member)
    browsers.forget_all(ctx.session, member.id)
    sessions.end(ctx, member.id)
    ctx.session.add(member)
    _audit(ctx, "reset_codes", member, before)


def _facts(member: StaffMember) -> dict[str, object]:
    return {
        "email": member.email,
        "role": member.role.value,
        "disabled": member.disabled_at is not None,
        "enrolled": member.enrolled_at is not None,
    }


def _audit(ctx: TransactionContext, what: str, member: StaffMember, before: dict[str, object]) -> None:
    audit.write(ctx, f"staff_{what}", subject=member.id, before=dict(before), after=_facts(member))
