"""How staff sign in: a mailed link as for readers, then a code of the authenticator. Apart from readers: own links, own sessions."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from billing.platform.site import Office
from billing.platform.tokens import Tokens
from billing.readers import sign_in as mailed
from billing.readers.links import Links
from billing.readers.notices import sign_in_link
from billing.readers.register import clean_address
from billing.readers.sign_in import Browser
from billing.staff import audit, browsers, codes, sessions
from billing.staff.codes import Answer, Checked
from billing.staff.models import Outcome, StaffLink, StaffMember, StaffSession
from billing.staff.notices import codes_locked

PURPOSE = "staff-sign-in"
LINKS = Links(StaffLink, PURPOSE, "staff_id")


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A session with both factors: whose, and the secret for its cookie."""

    staff_id: str
    session_secret: str


def count_asks(session: Session, tokens: Tokens, email: str, browser: Browser, at: datetime) -> None:
    """As for readers, counted apart. Raises BadAddress, TooMany."""
    email = clean_address(email)
    member = _member(session, email)
    known = browsers.knows(session, browser.hashes, member.id if member else "")
    mailed.count_mails(session, tokens, PURPOSE, email, browser, at, known=known)


def count_codes(session: Session, tokens: Tokens, browser: Browser, at: datetime) -> None:
    """As for readers, counted apart; for mailed codes and the authenticator's together. Raises TooMany."""
    known = browsers.knows(session, browser.hashes)
    mailed.count_typed(session, tokens, PURPOSE, browser, at, known=known)


def _member(session: Session, email: str) -> StaffMember | None:
    """The member with this address who may sign in."""
    return session.exec(
        select(StaffMember).where(
            sa.func.lower(StaffMember.email) == email.lower(), col(StaffMember.disabled_at).is_(None)
        )
    ).first()


def ask(session: Session, office: Office, email: str, browser: Browser, at: datetime) -> None:
    """Mail a link, if the address is that of a member who may sign in; do the same work if it isn't. Raises BadAddress."""
    member = _member(session, clean_address(email))
    link_id = LINKS.issue(session, office.tokens, member.id if member else None, browser.hashes, at)
    if member is None:
        return
    sign_in_link(session, office, link_id, member.email, at, purpose=PURPOSE, page="/staff/sign-in/link")


def confirm(session: Session, tokens: Tokens, token: str, browser: Browser, at: datetime) -> str:
    """Use the mailed link; the secret of a session that waits for its code. Raises LinkSpent, OtherBrowser."""
    link = LINKS.use(session, tokens, token, browser.hashes, at)
    return _wait(session, tokens, str(link.staff_id), browser, at)


def confirm_code(session: Session, tokens: Tokens, code: str, browser: Browser, at: datetime) -> str | None:
    """Use the mail's code, typed in the browser that asked; None, and one try fewer, when it is wrong. Raises LinkSpent."""
    link = LINKS.use_code(session, tokens, code, browser.hashes, at)
    return _wait(session, tokens, str(link.staff_id), browser, at) if link else None


def _wait(session: Session, tokens: Tokens, staff_id: str, browser: Browser, at: datetime) -> str:
    return sessions.begin(session, tokens, staff_id, at=at, ip=browser.ip, device=browser.device)


def complete(
    session: Session,
    office: Office,
    waiting: StaffSession,
    member: StaffMember,
    typed: str,
    browser: Browser,
    at: datetime,
    *,
    clock_stands: bool = False,
) -> SignedIn | Answer:
    """The code makes the session whole: a new one, with a new secret (7.2.4). Else what was wrong. Commit either."""
    new = member.enrolled_at is None
    found = codes.check(
        session, office.tokens, member.id, typed, browser.hashes, at, clock_stands=clock_stands
    )
    right = found.checked is Checked.RIGHT
    after = {"device": browser.device} | ({"new_authenticator": True} if new and right else {})
    note_code(session, office, member, browser, found, at, act="sign_in", after=after)
    if not right:
        return found
    browsers.remember(session, member.id, browser.hashes[0], at)
    sessions.end(session, member.id, at, only=waiting.id)
    secret = sessions.begin(
        session, office.tokens, member.id, at=at, ip=browser.ip, device=browser.device, complete=True
    )
    return SignedIn(member.id, secret)


def note_code(
    session: Session,
    office: Office,
    member: StaffMember,
    browser: Browser,
    found: Answer,
    at: datetime,
    *,
    act: str,
    after: dict[str, Any] | None,
    signed_in: bool = False,
) -> None:
    """Write down what became of a typed code, and warn of a lock that begins."""
    outcome = Outcome.DONE if found.checked is Checked.RIGHT else Outcome.REFUSED
    why, actor = _why_not_taken(found, office), audit.of(member, browser.ip)
    audit.write(session, actor, act, at=at, outcome=outcome, why=why, after=after)
    if found.begins:
        codes_locked(session, office, member, browser, found, at, signed_in=signed_in)


def _why_not_taken(found: Answer, office: Office) -> str:
    """What the audit says of a code that wasn't taken."""
    if found.locked_until is None:
        return "" if found.checked is Checked.RIGHT else "the code was wrong"
    return f"no codes until {office.moment(found.locked_until)}"
