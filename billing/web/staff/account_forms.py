"""The forms of staff acts about a reader's account: its sign-ins, its newsletters, and copies of its tax invoices."""

from sqlmodel import Session

from billing.newsletters.lists import UnknownNewsletter, newsletter
from billing.staff.acts.choose_newsletters import NewsletterAct
from billing.staff.acts.send_invoice import SendInvoiceAct
from billing.staff.acts.sign_ins import MailLinkAct, SignOutAct
from billing.staff.roles import Permission
from billing.web.staff.act_forms import ActForm, MakeForm, Typed
from billing.web.staff.guard import StaffVisit

HOW_KNOWN = ("Why?", "it stands in the history; say how you know that it is the reader who asks")


def sign_out(_visit: StaffVisit, _session: Session, reader_id: str, typed: Typed) -> ActForm:
    """One browser, or all."""
    chosen = typed.chosen or None
    title = "Sign one browser out" if chosen else "Sign the reader out everywhere"
    return ActForm(title, SignOutAct(reader_id, chosen), hidden=(("chosen", chosen or ""),))


def mail_link(_visit: StaffVisit, _session: Session, reader_id: str, _typed: Typed) -> ActForm:
    """A link to sign in."""
    return ActForm("Mail a link to sign in", MailLinkAct(reader_id))


def choose(receives: bool) -> MakeForm:
    """One newsletter, to receive or to stop."""

    def make(_visit: StaffVisit, session: Session, reader_id: str, typed: Typed) -> ActForm:
        chosen = typed.chosen or ""
        hidden = (("chosen", chosen),)
        try:
            name = newsletter(session, chosen).name
        except UnknownNewsletter as refusal:
            return ActForm("Change a newsletter", None, hidden=hidden, error=refusal)
        act = NewsletterAct(reader_id, chosen, receives)
        return ActForm(f"{'Send' if receives else 'Stop'} {name}", act, hidden=hidden, asks=HOW_KNOWN)

    return make


def send_invoice(_visit: StaffVisit, _session: Session, reader_id: str, typed: Typed) -> ActForm:
    """A copy of one invoice."""
    chosen = typed.chosen or ""
    return ActForm(
        "Send a tax invoice again", SendInvoiceAct(reader_id, chosen), hidden=(("chosen", chosen),)
    )


MAKERS: dict[str, tuple[Permission, MakeForm]] = {
    "sign-out": (Permission.READER_SIGN_INS, sign_out),
    "mail-link": (Permission.READER_SIGN_INS, mail_link),
    "join-newsletter": (Permission.READER_NEWSLETTERS, choose(receives=True)),
    "leave-newsletter": (Permission.READER_NEWSLETTERS, choose(receives=False)),
    "send-invoice": (Permission.SEND_INVOICE, send_invoice),
}
"""As `act_forms.MAKERS`."""
