"""Warn the people concerned that somebody guesses a member's codes."""

from datetime import datetime, timedelta

from sqlmodel import Session

from billing.mail import outbox
from billing.platform.site import Office
from billing.readers import devices
from billing.readers.sign_in import Browser
from billing.staff import members
from billing.staff.codes import Answer
from billing.staff.models import StaffMember
from emails import CodesLocked

_LIFE = timedelta(days=3)


def codes_locked(
    session: Session,
    office: Office,
    member: StaffMember,
    browser: Browser,
    answer: Answer,
    at: datetime,
    *,
    signed_in: bool = False,
) -> None:
    """Tell the member and every other admin of a lock that begins, once. Who guesses at the sign-in has opened the member's mailed
    link, so the member's mail may be in wrong hands, and this warning with it; `signed_in`: who guesses sat in a browser that was
    signed in."""
    until = answer.locked_until or at
    for recipient in (member, *(each for each in members.admins(session) if each.id != member.id)):
        own = recipient.id == member.id
        words = CodesLocked(
            member=member.email,
            own=own,
            known=answer.known,
            at_text=office.moment(at),
            until_text=office.moment(until),
            device=devices.in_words(browser.device),
            network=browser.ip,
            staff_url=office.page("/staff/sessions" if own else "/staff/members"),
            signed_in=signed_in,
        )
        outbox.queue(
            session,
            words,
            key=f"codes-locked:{member.id}:{until:%Y%m%dT%H%M%S}:{recipient.id}",
            to=recipient.email,
            reader_id=None,
            at=at,
            expires_at=at + _LIFE,
        )
