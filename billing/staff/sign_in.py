"""How staff sign in: a mailed link as for readers, then a code of the authenticator. Links and sessions are apart from readers'."""

from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from billing.platform.context import TransactionContext
from billing.platform.site import Site
from billing.readers.links import Links
from billing.readers.notices import sign_in_link
from billing.readers.register import clean_address
from billing.readers.sessions import Browser
from billing.readers.sign_in import count_mails, count_typed
from billing.staff import audit, browsers, codes, passkeys, recovery_codes, sessions
from billing.staff.codes import CodeAnswer
from billing.staff.member_notices import signed_in
from billing.staff.models import Outcome, StaffLink, StaffMember, StaffSession
from billing.staff.notices import codes_locked
from emails.languages import ENGLISH

PURPOSE = "staff-sign-in"
LINKS = Links(StaffLink, PURPOSE, "staff_id", "/staff/sign-in/link")


def count_asks(ctx: TransactionContext, email: str, browser: Browser) -> None:
    """Count a request for a link, as for readers but apart. Raises BadAddress, TooMany."""
    email = clean_address(email)
    member = _member(ctx.session, email)
    # "" is nobody's id; None would ask whether any member has signed in here
    known = browsers.knows(ctx.session, browser.hashes, member.id if member else "")
    count_mails(ctx, PURPOSE, email, browser, known=known)


def count_codes(ctx: TransactionContext, browser: Browser) -> None:
    """Count a typed code, as for readers but apart: mailed codes and the authenticator's together. Raises TooMany."""
    count_typed(ctx, PURPOSE, browser, known=browsers.knows(ctx.session, browser.hashes))


def _member(session: Session, email: str) -> StaffMember | None:
    """The member with this address who may sign in."""
    return session.exec(
        select(StaffMember).where(
            sa.func.lower(StaffMember.email) == email.lower(), col(StaffMember.disabled_at).is_(None)
        )
    ).first()


def ask(ctx: TransactionContext, email: str, browser: Browser) -> None:
    """Mail a link, if the address is that of a member who may sign in. Raises BadAddress."""
    member = _member(ctx.session, clean_address(email))
    # Issued for an unknown address too, so that the time of the answer doesn't tell who works here.
    link = LINKS.issue(ctx, member.id if member else None, browser.hashes)
    if member is not None:
        sign_in_link(ctx.speaking(ENGLISH.code), LINKS, link, member.email)


def confirm(ctx: TransactionContext, token: str, browser: Browser) -> str:
    """Use the mailed link; the secret of a session that waits for its code. Raises LinkSpent, OtherBrowser."""
    link = LINKS.use(ctx, token, browser.hashes)
    return sessions.begin(ctx, str(link.staff_id), browser)


def confirm_code(ctx: TransactionContext, code: str, browser: Browser) -> str | None:
    """Use the mail's code, typed in the browser that asked; None, and one try fewer, when it is wrong. Raises LinkSpent."""
    link = LINKS.use_code(ctx, code, browser.hashes)
    return sessions.begin(ctx, str(link.staff_id), browser) if link else None


def complete(
    ctx: TransactionContext,
    waiting: StaffSession,
    member: StaffMember,
    typed: str,
    browser: Browser,
    *,
    clock_stands: bool = False,
) -> str | CodeAnswer:
    """The secret of a new session with both factors where the code is right (7.2.4), else what was wrong. Commit either."""
    is_new = member.enrolled_at is None
    answer = codes.check(ctx, member.id, typed, browser.hashes, clock_stands=clock_stands)
    after = {"device": browser.device} | ({"new_authenticator": True} if is_new and answer.is_right else {})
    if answer.recovery:
        after |= {"recovery_code": True}
    note_code(ctx, member, browser, answer, "sign_in", after)
    if not answer.is_right:
        return answer
    left = recovery_codes.left(ctx.session, member.id) if answer.recovery else None
    return _open(ctx, waiting, member, browser, left, is_new=is_new)


def complete_by_passkey(
    ctx: TransactionContext, waiting: StaffSession, member: StaffMember, credential: str, browser: Browser
) -> str | None:
    """As `complete`, by one of the member's passkeys; None where its answer isn't valid. Commit either."""
    name = passkeys.use(ctx, waiting, member, credential)
    note_passkey(ctx, member, browser, name, "sign_in", {"device": browser.device})
    return _open(ctx, waiting, member, browser) if name is not None else None


def note_passkey(
    ctx: TransactionContext,
    member: StaffMember,
    browser: Browser,
    name: str | None,
    act: str,
    after: dict[str, Any],
) -> None:
    """Audit a passkey's answer; `name` is None for one that isn't valid. `act` as for `note_code`."""
    outcome, reason = (
        (Outcome.DONE, "") if name is not None else (Outcome.REFUSED, "the passkey did not work")
    )
    after = after if name is None else after | {"passkey": name}
    audit.write(ctx.acting_as(audit.of(member, browser.ip)), act, outcome=outcome, reason=reason, after=after)


def _open(
    ctx: TransactionContext,
    waiting: StaffSession,
    member: StaffMember,
    browser: Browser,
    codes_left: int | None = None,
    *,
    is_new: bool = False,
) -> str:
    """The secret of a new session in place of the waiting one. A browser not seen before, and a recovery code, are mailed about."""
    is_known = browsers.knows(ctx.session, browser.hashes, member.id)
    if codes_left is not None or not (is_new or is_known):
        signed_in(ctx, member, browser, codes_left)
    browsers.remember(ctx, member.id, browser.hashes[0])
    sessions.end(ctx, member.id, only=waiting.id)
    return sessions.begin(ctx, member.id, browser, complete=True)


def note_code(
    ctx: TransactionContext,
    member: StaffMember,
    browser: Browser,
    answer: CodeAnswer,
    act: str,
    after: dict[str, Any],
) -> None:
    """Audit a typed code, and warn of a lock that begins. `act` is "sign_in", or "prove" in a browser that is signed in."""
    outcome = Outcome.DONE if answer.is_right else Outcome.REFUSED
    reason, actor = _why_not_taken(answer, ctx.site), audit.of(member, browser.ip)
    audit.write(ctx.acting_as(actor), act, outcome=outcome, reason=reason, after=after)
    if answer.begins:
        codes_locked(ctx, member, browser, answer, signed_in=act == "prove")


def _why_not_taken(answer: CodeAnswer, site: Site) -> str:
    if answer.locked_until is None:
        return "" if answer.is_right else "the code was wrong"
    return f"no codes until {site.moment(answer.locked_until)}"
