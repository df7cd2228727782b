"""Who works here, and in which role. Every change is audited. Disabling a member ends their sessions at once (SEC-6)."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from billing.platform import ids
from billing.platform.actors import Actor, staff_id_of
from billing.platform.context import TransactionContext
from billing.platform.errors import Conflict, NotFound
from billing.readers.register import clean_address
from billing.staff import audit, browsers, codes, member_notices, passkeys, recovery_codes, sessions
from billing.staff.models import StaffMember, StaffSession
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
    if (found := find(session, email)) is None:
        raise UnknownMember
    return found


def find(session: Session, email: str) -> StaffMember | None:
    """The member with this address, if any."""
    address = sa.func.lower(StaffMember.email)
    return session.exec(select(StaffMember).where(address == email.strip().lower())).first()


def by_id(session: Session, staff_id: str) -> StaffMember:
    """Raises UnknownMember."""
    if (found := session.get(StaffMember, staff_id)) is None:
        raise UnknownMember
    return found


def admins(session: Session) -> list[StaffMember]:
    """All admins who may sign in."""
    active = StaffMember.role == Role.ADMIN, col(StaffMember.disabled_at).is_(None)
    return list(session.exec(select(StaffMember).where(*active).order_by(col(StaffMember.id))))


def everybody(session: Session) -> list[StaffMember]:
    """All members by address, those who may sign in first."""
    order = col(StaffMember.disabled_at).desc().nulls_first(), sa.func.lower(StaffMember.email)
    return list(session.exec(select(StaffMember).order_by(*order)))


def last_seen(session: Session) -> dict[str, datetime]:
    """When each member was seen last, by id; without those who never signed in, or long ago."""
    seen = select(StaffSession.staff_id, sa.func.max(StaffSession.seen_at)).group_by(StaffSession.staff_id)
    return dict(session.exec(seen.where(col(StaffSession.complete))).all())


def is_new_admin(session: Session, email: str, role: Role) -> bool:
    """Whether the role would make this address an admin that it isn't now."""
    member = find(session, email)
    is_admin = member is not None and member.role is Role.ADMIN and member.disabled_at is None
    return role is Role.ADMIN and not is_admin


def change_needs_second(ctx: TransactionContext, member: StaffMember) -> bool:
    """Whether this is an admin whose role, sign-in or authenticator the acting member changes only with a second admin (SEC-6): where
    there is a third one. Of two, each can still stop the other."""
    actor_id = staff_id_of(ctx.actor)
    if actor_id is None or member.id == actor_id or member.role is not Role.ADMIN or member.disabled_at:
        return False
    return any(other.id not in (actor_id, member.id) for other in admins(ctx.session))


def _is_alone(ctx: TransactionContext, asked_by: Actor | None) -> bool:
    """Whether one member acts, whom no other has asked."""
    actor_id = staff_id_of(ctx.actor)
    return actor_id is not None and (asked_by is None or staff_id_of(asked_by) == actor_id)


def _check_second(ctx: TransactionContext, member: StaffMember, asked_by: Actor | None) -> None:
    """Raises NeedsSecond."""
    if _is_alone(ctx, asked_by) and change_needs_second(ctx, member):
        raise NeedsSecond


def add(
    ctx: TransactionContext, email: str, role: Role, *, asked_by: Actor | None = None, reason: str = ""
) -> StaffMember:
    """Add a member; one who exists gets the role, and may sign in again. A member adds a new admin, and takes another's role of an
    admin away, only when another member, `asked_by`, asked for it (SEC-6). Raises BadAddress, NotYourself, NeedsSecond."""
    email = clean_address(email)
    if _is_alone(ctx, asked_by) and is_new_admin(ctx.session, email, role):
        raise NeedsSecond
    member = find(ctx.session, email)
    if member is None:
        member = StaffMember(
            id=ids.new("stf", ctx.at), email=email, role=role, created_at=ctx.at, code_nonce=codes.new_nonce()
        )
        ctx.session.add(member)
        ctx.session.flush()
        audit.write(ctx, "staff_add", subject=member.id, reason=reason, after=_facts(member))
        return member
    if role is not member.role:
        _check_second(ctx, member, asked_by)
    with _changed(ctx, "staff_change", member, reason):
        member.role, member.disabled_at = role, None
    return member


def invite(
    ctx: TransactionContext, email: str, role: Role, *, asked_by: Actor | None = None, reason: str = ""
) -> StaffMember:
    """Add a member, as `add` does, and mail them how to sign in, unless they may already."""
    known = find(ctx.session, email)
    may_sign_in = known is not None and known.disabled_at is None
    member = add(ctx, email, role, asked_by=asked_by, reason=reason)
    if not may_sign_in:
        member_notices.invited(ctx, member)
    return member


def disable(
    ctx: TransactionContext, member: StaffMember, *, asked_by: Actor | None = None, reason: str = ""
) -> None:
    """Sign the member out everywhere, and let them sign in no more. Raises NotYourself, and NeedsSecond as `add` does."""
    _check_second(ctx, member, asked_by)
    with _changed(ctx, "staff_disable", member, reason):
        member.disabled_at = member.disabled_at or ctx.at
        browsers.forget_all(ctx.session, member.id)


def end_sessions(ctx: TransactionContext, member: StaffMember, *, only: str | None = None) -> int:
    """Sign the member out everywhere, or end `only` one session; how many ended."""
    ended = sessions.end(ctx, member.id, only=only)
    audit.write(ctx, "staff_sign_out", subject=member.id, after={"email": member.email, "ended": ended})
    return ended


def reset_codes(
    ctx: TransactionContext, member: StaffMember, *, asked_by: Actor | None = None, reason: str = ""
) -> None:
    """Forget the authenticator, recovery codes and passkeys: the next sign-in sets up a new one. Raises NotYourself,
    and NeedsSecond as `add` does."""
    _check_second(ctx, member, asked_by)
    with _changed(ctx, "staff_reset_codes", member, reason):
        member.code_nonce, member.code_secret, member.enrolled_at = codes.new_nonce(), "", None
        member.last_step = 0
        codes.clear(member)
        recovery_codes.forget(ctx.session, member.id)
        passkeys.forget(ctx.session, member.id)
        browsers.forget_all(ctx.session, member.id)


@contextmanager
def _changed(ctx: TransactionContext, act: str, member: StaffMember, reason: str = "") -> Iterator[None]:
    """Audit what the block changes of another member, and end their sessions. Raises NotYourself."""
    if member.id == staff_id_of(ctx.actor):
        raise NotYourself
    before = _facts(member)
    yield
    sessions.end(ctx, member.id)
    audit.write(ctx, act, subject=member.id, reason=reason, before=before, after=_facts(member))


def _facts(member: StaffMember) -> dict[str, Any]:
    return {
        "email": member.email,
        "role": member.role.value,
        "disabled": member.disabled_at is not None,
        "enrolled": member.enrolled_at is not None,
    }
