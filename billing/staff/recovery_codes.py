"""Recovery codes: each stands once for a code of the authenticator, when the phone is lost (SEC-6).

A code has 80 random bits, so its plain hash gives nothing away, and a rotation of the secret key leaves it as it is."""

import hashlib
import re
import secrets
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Field, Session, SQLModel, col, func, select

from billing.platform.context import TransactionContext
from billing.staff import audit
from billing.staff.models import StaffMember

COUNT = 10
_LETTERS = "ABCDEFGHJKMNPQRSTVWXYZ0123456789"
"""Of Crockford's base 32, without I, L, O and U. Typed ones are read as 1, 1, 0 and V."""
_MISREAD = str.maketrans("ILOU", "110V")
_CODE = re.compile(rf"[{_LETTERS}]{{16}}")


class StaffRecoveryCode(SQLModel, table=True):
    """A recovery code of a member, by its hash."""

    __tablename__ = "staff_recovery_code"

    code_hash: str = Field(primary_key=True)
    staff_id: str = Field(foreign_key="staff_member.id", index=True)
    made_at: datetime
    used_at: datetime | None = None


def make(ctx: TransactionContext, member: StaffMember) -> tuple[str, ...]:
    """Ten new codes, to be shown once; earlier ones end."""
    ctx.session.execute(sa.delete(StaffRecoveryCode).where(col(StaffRecoveryCode.staff_id) == member.id))
    made = tuple(_new() for _ in range(COUNT))
    ctx.session.add_all(
        StaffRecoveryCode(code_hash=_hash(member, code), staff_id=member.id, made_at=ctx.at) for code in made
    )
    audit.write(ctx, "make_recovery_codes", subject=member.id)
    return made


def left(session: Session, staff_id: str) -> int:
    """How many of the member's codes are unused."""
    unused = StaffRecoveryCode.staff_id == staff_id, col(StaffRecoveryCode.used_at).is_(None)
    return session.exec(select(func.count()).select_from(StaffRecoveryCode).where(*unused)).one()


def were_made(session: Session, staff_id: str) -> bool:
    """Whether the member has had codes, used ones too, since the authenticator was set up."""
    made = select(StaffRecoveryCode.staff_id).where(StaffRecoveryCode.staff_id == staff_id)
    return session.exec(made.limit(1)).first() is not None


def use(ctx: TransactionContext, member: StaffMember, typed: str) -> bool:
    """Use up a code; whether it was one of the member's, unused."""
    row = StaffRecoveryCode
    used = sa.update(row).where(
        col(row.code_hash) == _hash(member, typed), col(row.staff_id) == member.id, col(row.used_at).is_(None)
    )
    return bool(ctx.session.execute(used.values(used_at=ctx.at).returning(col(row.code_hash))).first())


def forget(session: Session, staff_id: str) -> None:
    """End all of the member's codes."""
    session.execute(sa.delete(StaffRecoveryCode).where(col(StaffRecoveryCode.staff_id) == staff_id))


def looks_like_one(typed: str) -> bool:
    """Whether it has the form of a recovery code, however it is spaced."""
    return _CODE.fullmatch(_plain(typed)) is not None


def _new() -> str:
    letters = "".join(secrets.choice(_LETTERS) for _ in range(16))
    return "-".join(letters[start : start + 4] for start in range(0, 16, 4))


def _plain(typed: str) -> str:
    return re.sub(r"[\s-]", "", typed).upper().translate(_MISREAD)


def _hash(member: StaffMember, code: str) -> str:
    return hashlib.sha256(f"{member.id}:{_plain(code)}".encode()).hexdigest()
