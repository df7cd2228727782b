"""A member proves who they are once more before a sensitive action (SEC-2), with a code of the authenticator or a passkey."""

from billing.platform.context import TransactionContext
from billing.readers.sessions import Browser
from billing.staff import codes, passkeys, sessions
from billing.staff.codes import CodeAnswer
from billing.staff.models import StaffMember, StaffSession
from billing.staff.sign_in import note_code, note_passkey


def prove(
    ctx: TransactionContext,
    staff_session: StaffSession,
    member: StaffMember,
    typed: str,
    browser: Browser,
    *,
    clock_stands: bool = False,
) -> str | CodeAnswer:
    """The session's new secret where the code is right, else what was wrong. Commit either.

    The wrong code that locks also ends the session: this person has no authenticator."""
    answer = codes.check(ctx, member.id, typed, browser.hashes, clock_stands=clock_stands)
    note_code(ctx, member, browser, answer, "prove", {"signed_out": True} if answer.begins else {})
    if answer.begins:
        sessions.end(ctx, member.id, only=staff_session.id)
    return sessions.renew(ctx, staff_session.id) if answer.is_right else answer


def prove_by_passkey(
    ctx: TransactionContext,
    staff_session: StaffSession,
    member: StaffMember,
    credential: str,
    browser: Browser,
) -> str | None:
    """The session's new secret where one of the member's passkeys has signed, else None. Commit either."""
    name = passkeys.use(ctx, staff_session, member, credential)
    note_passkey(ctx, member, browser, name, "prove", {})
    return sessions.renew(ctx, staff_session.id) if name is not None else None
