"""The second factor: codes of an authenticator app (TOTP, RFC 6238), each good once (SEC-6).

The secret is derived from the secret key, the member's id and a nonce in the member's row, and a new nonce is a new secret.
The first right code seals it under the secret key. So a leaked database holds nothing from which codes could be made, and a
rotation of the key (`staff.rotate_secret`) seals it again and ends no enrolment."""

import base64
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import pyotp
from sqlmodel import select

from billing.platform.context import TransactionContext
from billing.platform.tokens import Tokens
from billing.rules import code_locks
from billing.staff import browsers
from billing.staff.models import CodeLock, StaffMember

STEP_SECONDS = 30
SLACK = 1
"""Steps by which the phone's clock may be wrong, either way."""
_SECRET_BYTES = 20


class Checked(StrEnum):
    """What became of a typed code."""

    RIGHT = "right"
    WRONG = "wrong"
    LOCKED = "locked"


@dataclass(frozen=True, slots=True)
class CodeAnswer:
    """The same, with when codes are taken again where they aren't; `begins` for the wrong code that made it so, `known` where
    that is so for one browser alone, in which the member has signed in before."""

    checked: Checked
    locked_until: datetime | None = None
    begins: bool = False
    known: bool = False


def new_nonce() -> str:
    """What makes a new secret."""
    return secrets.token_hex(16)


def secret_of(tokens: Tokens, member: StaffMember) -> str:
    """The member's secret, in base32: 160 bits."""
    return _secrets(tokens, member)[0]


def seal(tokens: Tokens, member: StaffMember, secret: str) -> None:
    """Keep the secret under the present secret key."""
    member.code_secret = tokens.seal(_purpose(member), secret)


def can_be_opened(tokens: Tokens, member: StaffMember) -> bool:
    """Whether it isn't sealed, or a key that is read opens it."""
    return not member.code_secret or tokens.unseal(_purpose(member), member.code_secret) is not None


def is_sealed(tokens: Tokens, member: StaffMember) -> bool:
    """Whether it is kept under the present secret key."""
    return tokens.is_current(_purpose(member), member.code_secret)


def address_of(tokens: Tokens, member: StaffMember, house: str) -> str:
    """The `otpauth://` address that authenticator apps read from a QR code."""
    secret = secret_of(tokens, member)
    return pyotp.TOTP(secret, name=member.email, issuer=house, interval=STEP_SECONDS).provisioning_uri()


def check(
    ctx: TransactionContext,
    staff_id: str,
    typed: str,
    browser_hashes: Sequence[str],
    *,
    clock_stands: bool = False,
) -> CodeAnswer:
    """Take a code, once; after five wrong ones none is taken for a while, longer each time. Commit this also when it is wrong.

    A browser in which the member has signed in before counts by itself, and can't be locked from elsewhere. Where the demo's clock stands still (`clock_stands`), the step after the last used one counts too: else nobody could
    sign in twice in a moment that lasts for hours."""
    member = ctx.session.exec(
        select(StaffMember)
        .where(StaffMember.id == staff_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()
    known = browsers.find(ctx.session, browser_hashes, staff_id)
    lock: CodeLock = known or member
    ctx.session.add(lock)
    if lock.locked_until is not None and ctx.at < lock.locked_until:
        return CodeAnswer(Checked.LOCKED, lock.locked_until)
    found = _step(ctx.site.tokens, member, typed, ctx.at, clock_stands)
    if found is None:
        return _wrong(lock, ctx.at, known=known is not None)
    step, secret = found
    if not is_sealed(ctx.site.tokens, member):
        seal(ctx.site.tokens, member, secret)
    clear(lock)
    member.last_step, member.enrolled_at = step, member.enrolled_at or ctx.at
    return CodeAnswer(Checked.RIGHT)


def clear(lock: CodeLock) -> None:
    """Codes are taken, and wrong ones counted from the beginning."""
    lock.wrong_codes, lock.code_locks, lock.locked_until = 0, 0, None


def shown_in_demo(tokens: Tokens, member: StaffMember, at: datetime) -> str:
    """The code that would be taken now. For the demo's page alone, where no phone follows the held clock."""
    return code_at(secret_of(tokens, member), max(step_of(at), member.last_step + 1))


def _purpose(member: StaffMember) -> str:
    return f"staff-code:{member.id}:{member.code_nonce}"


def _secrets(tokens: Tokens, member: StaffMember) -> tuple[str, ...]:
    """The one that is sealed. Before the first right code: of each key, as the picture to scan may be older than a change of the
    key. Who enrolled before secrets were sealed has one that is derived from the key of then, which is the list key now."""
    sealed = tokens.unseal(_purpose(member), member.code_secret)
    if sealed is not None:
        return (sealed,)
    subject = f"{member.id}:{member.code_nonce}"
    if member.enrolled_at is not None:
        return (_base32(tokens.list_digest("staff-code", subject)),)
    return tuple(_base32(derived) for derived in tokens.digests("staff-code", subject))


def _base32(derived: str) -> str:
    return base64.b32encode(bytes.fromhex(derived)[:_SECRET_BYTES]).decode()


def _step(
    tokens: Tokens, member: StaffMember, typed: str, at: datetime, clock_stands: bool
) -> tuple[int, str] | None:
    """The step of a code that is right and wasn't used, and the secret that made it."""
    digits = "".join(letter for letter in typed if letter in "0123456789")
    steps = set(range(step_of(at) - SLACK, step_of(at) + SLACK + 1))
    if clock_stands:
        steps.add(member.last_step + 1)
    fitting = [
        (step, secret)
        for secret in _secrets(tokens, member)
        for step in sorted(steps)
        if hmac.compare_digest(code_at(secret, step), digits)
    ]
    return next((found for found in fitting if found[0] > member.last_step), None)


def _wrong(lock: CodeLock, at: datetime, *, known: bool) -> CodeAnswer:
    lock.wrong_codes += 1
    if lock.wrong_codes < code_locks.MOST_WRONG:
        return CodeAnswer(Checked.WRONG)
    before = code_locks.still_counted(lock.code_locks, lock.locked_until, at)
    until = at + code_locks.length(before, known=known)
    lock.wrong_codes, lock.code_locks, lock.locked_until = 0, before + 1, until
    return CodeAnswer(Checked.LOCKED, until, begins=True, known=known)


def step_of(at: datetime) -> int:
    """The step of 30 seconds at that instant."""
    return int(at.timestamp()) // STEP_SECONDS


def code_at(secret: str, step: int) -> str:
    """The code of a secret for a step of 30 seconds."""
    return pyotp.TOTP(secret, interval=STEP_SECONDS).generate_otp(step)
