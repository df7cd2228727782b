"""The second factor: codes of an authenticator app (TOTP, RFC 6238), each good once (SEC-6).

The secret is not stored. It is derived from the installation's key, the member's id and a nonce in the member's row:
a leaked database holds nothing from which codes could be made, and a new nonce is a new secret. The price is that a
change of the installation's key ends every enrolment, as it ends every link and session."""

import base64
import hmac
import secrets
from datetime import datetime, timedelta
from enum import StrEnum

import pyotp
from sqlmodel import Session, select

from billing.staff.models import StaffMember
from billing.tokens import Tokens

STEP_SECONDS = 30
SLACK = 1
"""Steps by which the phone's clock may be wrong, either way."""
MOST_WRONG = 5
LOCKED_FOR = timedelta(minutes=15)
_SECRET_BYTES = 20


class Checked(StrEnum):
    """What became of a typed code."""

    RIGHT = "right"
    WRONG = "wrong"
    LOCKED = "locked"


def new_nonce() -> str:
    """What makes a new secret."""
    return secrets.token_hex(16)


def secret_of(tokens: Tokens, member: StaffMember) -> str:
    """The member's secret, in base32: 160 bits."""
    derived = bytes.fromhex(tokens.digest("staff-code", f"{member.id}:{member.code_nonce}"))
    return base64.b32encode(derived[:_SECRET_BYTES]).decode()


def address_of(tokens: Tokens, member: StaffMember, house: str) -> str:
    """The `otpauth://` address that authenticator apps read from a QR code."""
    secret = secret_of(tokens, member)
    return pyotp.TOTP(secret, name=member.email, issuer=house, interval=STEP_SECONDS).provisioning_uri()


def check(
    session: Session, tokens: Tokens, staff_id: str, typed: str, at: datetime, *, clock_stands: bool = False
) -> Checked:
    """Take a code, once; five wrong ones lock the member's codes for 15 minutes. Commit this also when it is wrong.

    Where the demo's clock stands still (`clock_stands`), the step after the last used one counts too: else nobody could
    sign in twice in a moment that lasts for hours."""
    member = session.exec(
        select(StaffMember)
        .where(StaffMember.id == staff_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()
    session.add(member)
    if member.locked_until is not None and at < member.locked_until:
        return Checked.LOCKED
    step = _step(tokens, member, typed, at, clock_stands)
    if step is None:
        return _wrong(member, at)
    member.last_step, member.wrong_codes, member.locked_until = step, 0, None
    member.enrolled_at = member.enrolled_at or at
    return Checked.RIGHT


def shown_in_demo(tokens: Tokens, member: StaffMember, at: datetime) -> str:
    """The code that would be taken now. For the demo's page alone, where no phone follows the held clock."""
    return _code(tokens, member, max(_now(at), member.last_step + 1))


def _step(tokens: Tokens, member: StaffMember, typed: str, at: datetime, clock_stands: bool) -> int | None:
    digits = "".join(letter for letter in typed if letter in "0123456789")
    steps = set(range(_now(at) - SLACK, _now(at) + SLACK + 1))
    if clock_stands:
        steps.add(member.last_step + 1)
    fitting = [step for step in sorted(steps) if hmac.compare_digest(_code(tokens, member, step), digits)]
    return next((step for step in fitting if step > member.last_step), None)


def _wrong(member: StaffMember, at: datetime) -> Checked:
    member.wrong_codes += 1
    if member.wrong_codes < MOST_WRONG:
        return Checked.WRONG
    member.wrong_codes, member.locked_until = 0, at + LOCKED_FOR
    return Checked.LOCKED


def _now(at: datetime) -> int:
    return int(at.timestamp()) // STEP_SECONDS


def _code(tokens: Tokens, member: StaffMember, step: int) -> str:
    return pyotp.TOTP(secret_of(tokens, member), interval=STEP_SECONDS).generate_otp(step)
