"""A member proves who they are once more, before what matters (SEC-2): with a code of the authenticator."""

from datetime import datetime

from sqlmodel import Session

from billing.office import Office
from billing.readers.sign_in import Browser
from billing.staff import audit, codes, sessions, warn
from billing.staff.codes import Answer, Checked
from billing.staff.models import Outcome, StaffMember, StaffSession
from billing.staff.sign_in import why_not_taken


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
    right = found.checked is Checked.RIGHT
    audit.write(
        session,
        audit.of(member, browser.ip),
        "prove",
        at=at,
        outcome=Outcome.DONE if right else Outcome.REFUSED,
        why=why_not_taken(found, office),
        after={"signed_out": True} if found.begins else None,
    )
    if found.begins:
        sessions.end(session, member.id, at, only=staff_session.id)
        warn.codes_locked(session, office, member, browser, found, at, signed_in=True)
    return sessions.renew(session, tokens, staff_session.id, at) if right else found
