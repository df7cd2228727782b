"""Mails to a member about their own account: invited, and signed in where we hadn't seen them."""

from dataclasses import dataclass
from datetime import timedelta

from billing.mail.outbox import NewMessage, queue
from billing.platform.actors import actor_name
from billing.platform.context import TransactionContext
from billing.readers import devices
from billing.readers.sessions import Browser
from billing.staff.models import StaffMember
from emails import ALWAYS, Mail, Url
from emails.languages import Text

_A_WEEK = timedelta(days=7)
THREE_DAYS = timedelta(days=3)


@dataclass(frozen=True)
class StaffInvitedMail(
    Mail,
    true_while="EXISTS (SELECT FROM staff_member s WHERE s.id = m.about AND s.disabled_at IS NULL)",
    for_staff=True,
):
    """`by` lets this address into the pages of staff, as `role`."""

    role: str
    by: str
    url: Url


def invited(ctx: TransactionContext, member: StaffMember) -> None:
    """Invite a member who was added, or who may sign in again."""
    mail = StaffInvitedMail(
        role=member.role.value, by=actor_name(ctx.actor), url=ctx.site.page("/staff/sign-in")
    )
    key = f"staff-invited:{member.id}:{ctx.at.isoformat()}"
    queue(ctx.session, NewMessage(mail, key, member.email, None, ctx.at + _A_WEEK, member.id), ctx.at)


@dataclass(frozen=True)
class StaffSignedInMail(Mail, true_while=ALWAYS, for_staff=True):
    """A member signed in in a browser that they hadn't used before, or by a recovery code; `codes_left` of those are unused then."""

    samples = {"": {"codes_left": None}, "by-recovery-code": {"codes_left": 9}}
    at_text: Text
    device: Text
    network: str
    codes_left: int | None
    staff_url: Url


def signed_in(ctx: TransactionContext, member: StaffMember, browser: Browser, codes_left: int | None) -> None:
    """Tell the member, so that nobody signs in for them unseen (SEC-6)."""
    mail = StaffSignedInMail(
        at_text=ctx.site.moment(ctx.at),
        device=devices.in_words(browser.device),
        network=browser.ip,
        codes_left=codes_left,
        staff_url=ctx.site.page("/staff/sessions"),
    )
    key = f"staff-signed-in:{member.id}:{ctx.at.isoformat()}"
    queue(ctx.session, NewMessage(mail, key, member.email, None, ctx.at + THREE_DAYS), ctx.at)
