"""The second factor: codes of an authenticator app (TOTP, RFC 6238), each good once (SEC-6).

The secret is derived from the secret key, the member's id and a nonce in the member's row. A new nonce is a new secret.
The first right code seals it under the secret key. So nobody can make codes from a leaked database. A rotation of the key
(`staff.rotate_secret`) seals the secret again and ends no enrolment."""

import base64
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import pyotp

from billing.platform.context import TransactionContext
from billing.platform.db import lock_one
from billing.platform.tokens import Tokens
from billing.rules import code_locks
from billing.staff import browsers, recovery_codes
from billing.staff.models import CodeLock, StaffMember

STEP_SECONDS = 30
SLACK = 1
"""Steps by which the phone's clock may be fast or slow."""
_SECRET_BYTES = 20


@dataclass(frozen=True, slots=True)
class CodeAnswer:
    """Whether a typed code was right, and until when codes are locked. `begins`: this wrong code began the lock. `known`: the
    lock is of one browser alone, in which the member has signed in before. `recovery`: it was a recovery code."""

    is_right: bool
    locked_until: datetime | None = None
    begins: bool = False
    known: bool = False
    recovery: bool = False


def new_nonce() -> str:
    """A nonce, for a new secret."""
    return secrets.token_hex(16)


def secret_of(tokens: Tokens, member: StaffMember) -> str:
    """The member's secret, in base32: 160 bits."""
    return _secrets(tokens, member)[0]


def seal_again(tokens: Tokens, member: StaffMember) -> bool | None:
    """Seal the secret under the present secret key; whether that was needed, or None where no configured key opens it."""
    if tokens.is_current(_purpose(member), member.code_secret):
        return False
    if member.code_secret and tokens.unseal(_purpose(member), member.code_secret) is None:
        return None
    _seal(tokens, member, secret_of(tokens, member))
    return True


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
    """Check a code, or a recovery code; each works once. Five wrong codes lock for a while, longer each time. Commit a wrong code too: it counts.

    A browser in which the member has signed in before has its own lock: strangers elsewhere can't lock it. `clock_stands`: the
    demo's clock stands still. Then the step after the last used one is right too, for a second sign-in."""
    member = lock_one(ctx.session, StaffMember, staff_id)
    known = browsers.find(ctx.session, browser_hashes, staff_id)
    lock: CodeLock = known or member
    if lock.locked_until is not None and ctx.at < lock.locked_until:
        return CodeAnswer(False, lock.locked_until)
    if recovery_codes.looks_like_one(typed) and recovery_codes.use(ctx, member, typed):
        clear(lock)
        return CodeAnswer(True, recovery=True)
    found = _step(ctx.site.tokens, member, typed, ctx.at, clock_stands)
    if found is None:
        return _wrong(lock, ctx.at, known=known is not None)
    step, secret = found
    if not ctx.site.tokens.is_current(_purpose(member), member.code_secret):
        _seal(ctx.site.tokens, member, secret)
    clear(lock)
    member.last_step, member.enrolled_at = step, member.enrolled_at or ctx.at
    return CodeAnswer(True)


def clear(lock: CodeLock) -> None:
    """End the lock, and count wrong codes from zero."""
    lock.wrong_codes, lock.code_locks, lock.locked_until = 0, 0, None


def shown_in_demo(tokens: Tokens, member: StaffMember, at: datetime) -> str:
    """The code that is right now. For the demo's page alone: no phone follows its held clock."""
    return code_at(secret_of(tokens, member), max(step_of(at), member.last_step + 1))


def _purpose(member: StaffMember) -> str:
    return f"staff-code:{member.id}:{member.code_nonce}"


def _seal(tokens: Tokens, member: StaffMember, secret: str) -> None:
    member.code_secret = tokens.seal(_purpose(member), secret)


def _secrets(tokens: Tokens, member: StaffMember) -> tuple[str, ...]:
    """The sealed secret. Before the first right code: one for each key, as the QR code may be older than a rotation."""
    sealed = tokens.unseal(_purpose(member), member.code_secret)
    if sealed is not None:
        return (sealed,)
    digests = tokens.digests("staff-code", f"{member.id}:{member.code_nonce}")
    return tuple(base64.b32encode(bytes.fromhex(digest)[:_SECRET_BYTES]).decode() for digest in digests)


def _step(
    tokens: Tokens, member: StaffMember, typed: str, at: datetime, clock_stands: bool
) -> tuple[int, str] | None:
    """The step of a right, unused code, and the secret that made it."""
    # not `isdigit`, which takes digits of other scripts: for those `compare_digest` raises TypeError
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
        return CodeAnswer(False)
    before = code_locks.still_counted(lock.code_locks, lock.locked_until, at)
    until = at + code_locks.length(before, known=known)
    lock.wrong_codes, lock.code_locks, lock.locked_until = 0, before + 1, until
    return CodeAnswer(False, until, begins=True, known=known)


def step_of(at: datetime) -> int:
    """The step of 30 seconds at that instant."""
    return int(at.timestamp()) // STEP_SECONDS


def code_at(secret: str, step: int) -> str:
    """The code of a secret for a step of 30 seconds."""
    return pyotp.TOTP(secret, interval=STEP_SECONDS).generate_otp(step)
