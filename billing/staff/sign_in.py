"""How staff sign in: a mailed link as for readers, then a code of the authenticator. Apart from readers: own links, own sessions."""

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from billing.platform.context import TransactionContext
from billing.platform.site import Site
from billing.readers import sign_in as mailed
from billing.readers.links import Links
from billing.readers.notices import sign_in_link
from billing.readers.register import clean_address
from billing.readers.sessions import Browser
from billing.staff import audit, browsers, codes, sessions
from billing.staff.codes import Checked, CodeAnswer
from billing.staff.models import Outcome, StaffLink, StaffMember, StaffSession
from billing.staff.notices import codes_locked

PURPOSE = "staff-sign-in"
LINKS = Links(StaffLink, PURPOSE, "staff_id", "/staff/sign-in/link")


@dataclass(frozen=True, slots=True)
class StaffSignedIn:
    """A session with both factors: whose, and the secret for its cookie."""

    staff_id: str
    session_secret: str


def count_asks(ctx: TransactionContext, email: str, browser: Browser) -> None:
    """As for readers, counted apart. Raises BadAddress, TooMany."""
    email = clean_address(email)
    member = _member(ctx.session, email)
    known = browsers.knows(ctx.session, browser.hashes, member.id if member else "")
    mailed.count_mails(ctx, PURPOSE, email, browser, known=known)


def count_codes(ctx: TransactionContext, browser: Browser) -> None:
    """As for readers, counted apart; for mailed codes and the authenticator's together. Raises TooMany."""
    known = browsers.knows(ctx.session, browser.hashes)
    mailed.count_typed(ctx, PURPOSE, browser, known=known)


def _member(session: Session, email: str) -> StaffMember | None:
    """The member with this address who may sign in."""
    return session.exec(
        select(StaffMember).where(
            sa.func.lower(StaffMember.email) == email.lower(), col(StaffMember.disabled_at).is_(None)
        )
    ).first()


def ask(ctx: TransactionContext, email: str, browser: Browser) -> None:
    """Mail a link, if the address is that of a member who may sign in; do the same work if it isn't. Raises BadAddress."""
    member = _member(ctx.session, clean_address(email))
    link = LINKS.issue(ctx, member.id if member else None, browser.hashes)
    if member is not None:
        sign_in_link(ctx, LINKS, link, member.email)


def confirm(ctx: TransactionContext, token: str, browser: Browser) -> str:
    """Use the mailed link; the secret of a session that waits for its code. Raises LinkSpent, OtherBrowser."""
    link = LINKS.use(ctx, token, browser.hashes)
    return _wait(ctx, str(link.staff_id), browser)


def confirm_code(ctx: TransactionContext, code: str, browser: Browser) -> str | None:
    """Use the mail's code, typed in the browser that asked; None, and one try fewer, when it is wrong. Raises LinkSpent."""
    link = LINKS.use_code(ctx, code, browser.hashes)
    return _wait(ctx, str(link.staff_id), browser) if link else None


def _wait(ctx: TransactionContext, staff_id: str, browser: Browser) -> str:
    return sessions.begin(ctx, staff_id, ip=browser.ip, device=browser.device)


def complete(
    ctx: TransactionContext,
    waiting: StaffSession,
    member: StaffMember,
    typed: str,
    browser: Browser,
    *,
    clock_stands: bool = False,
) -> StaffSignedIn | CodeAnswer:
    """The code makes the session whole: a new one, with a new secret (7.2.4). Else what was wrong. Commit either."""
    new = member.enrolled_at is None
    found = codes.check(ctx, member.id, typed, browser.hashes, clock_stands=clock_stands)
    right = found.checked is Checked.RIGHT
    after = {"device": browser.device} | ({"new_authenticator": True} if new and right else {})
    note_code(ctx, member, browser, found, act="sign_in", after=after)
    if not right:
        return found
    browsers.remember(ctx, member.id, browser.hashes[0])
    sessions.end(ctx, member.id, only=waiting.id)
    secret = sessions.begin(ctx, member.id, ip=browser.ip, device=browser.device, complete=True)
    return StaffSignedIn(member.id, secret)


def note_code(
    ctx: TransactionContext,
    member: StaffMember,
    browser: Browser,
    found: CodeAnswer,
    *,
    act: str,
    after: dict[str, Any] | None,
    signed_in: bool = False,
) -> None:
    """Write down what became of a typed code, and warn of a lock that begins."""
    outcome = Outcome.DONE if found.checked is Checked.RIGHT else Outcome.REFUSED
    reason, actor = _why_not_taken(found, ctx.site), audit.of(member, browser.ip)
    audit.write(ctx.acting_as(actor), act, outcome=outcome, reason=reason, after=after)
    if found.begins:
        codes_locked(ctx, member, browser, found, signed_in=signed_in)


def _why_not_taken(found: CodeAnswer, site: Site) -> str:
    """What the audit says of a code that wasn't taken."""
    if found.locked_until is None:
        return "" if found.checked is Checked.RIGHT else "the code was wrong"
    return f"no codes until {site.moment(found.locked_until)}"
