"""A member proves who they are once more, before what matters (SEC-2): with a code of the authenticator."""

from datetime import datetime

from sqlmodel import Session

from billing.platform.site import Office
from billing.readers.sign_in import Browser
from billing.staff import codes, sessions
from billing.staff.codes import Answer, Checked
from billing.staff.models import StaffMember, StaffSession
from billing.staff.sign_in import note_code


def prove(
    session: Session,
    office: Office,
    staff_session: StaffSession,
    member: StaffMember,
    typed: str,
    browser: Browser,
    *,
    at: datetime,
    clock_stands: bool = False,
) -> str | Answer:
    """The session's new secret where the code is right, else what was wrong. The wrong code that locks ends the session too: somebody
    sits there who has no authenticator. Commit either."""
    tokens = office.tokens
    found = codes.check(session, tokens, member.id, typed, browser.hashes, at, clock_stands=clock_stands)
    after = {"signed_out": True} if found.begins else None
    note_code(session, office, member, browser, found, at, act="prove", after=after, signed_in=True)
    if found.begins:
        sessions.end(session, member.id, at, only=staff_session.id)
    return sessions.renew(session, tokens, staff_session.id, at) if found.checked is Checked.RIGHT else found
