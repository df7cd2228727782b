"""The mail to a member about a passkey."""

from dataclasses import dataclass

from billing.mail.outbox import NewMessage, queue
from billing.platform.context import TransactionContext
from billing.readers import devices
from billing.readers.sessions import Browser
from billing.staff.member_notices import THREE_DAYS
from billing.staff.models import StaffMember
from emails import ALWAYS, Mail, Url
from emails.languages import Text


@dataclass(frozen=True)
class StaffPasskeyChangedMail(Mail, true_while=ALWAYS, for_staff=True):
    """A passkey stands for codes of a member's authenticator from now on, or no more."""

    samples = {"": {"added": True}, "removed": {"added": False}}
    added: bool
    name: str
    at_text: Text
    device: Text
    network: str
    staff_url: Url


def passkey_changed(
    ctx: TransactionContext, member: StaffMember, passkey_id: str, name: str, browser: Browser, *, added: bool
) -> None:
    """Tell the member, so that nobody adds one for them unseen (SEC-6)."""
    mail = StaffPasskeyChangedMail(
        added=added,
        name=name,
        at_text=ctx.site.moment(ctx.at),
        device=devices.in_words(browser.device),
        network=browser.ip,
        staff_url=ctx.site.page("/staff/sessions"),
    )
    key = f"staff-passkey-{'added' if added else 'removed'}:{passkey_id}"
    queue(ctx.session, NewMessage(mail, key, member.email, None, ctx.at + THREE_DAYS), ctx.at)
