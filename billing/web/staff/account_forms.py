"""The forms of staff acts about a reader's account: sign-ins, newsletters, copies of tax invoices, and the reader's death."""

from sqlmodel import Session

from billing.changes.give_back import GiveBack
from billing.newsletters.lists import UnknownNewsletter, newsletter
from billing.readers.deceased import LONGEST_NAME
from billing.readers.register import LONGEST_ADDRESS
from billing.staff.acts.choose_newsletters import NewsletterAct
from billing.staff.acts.deceased import DeathAct, UndoDeathAct
from billing.staff.acts.send_invoice import SendInvoiceAct
from billing.staff.acts.sign_ins import MailLinkAct, SignOutAct
from billing.staff.roles import Permission
from billing.web.staff.act_forms import ActForm, MakeForm, NotAMoment, Typed, read_moment
from billing.web.staff.guard import StaffVisit
from billing.web.views.staff_act import ActField

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


GIVES_BACK = (
    (GiveBack.AUTO.value, "what was charged since then"),
    (GiveBack.LAST.value, "the last charge, and what was charged since then"),
)


def record_death(visit: StaffVisit, _session: Session, reader_id: str, typed: Typed) -> ActForm:
    """As of when, what goes back, and who is written to."""
    zone = visit.services.site.zone
    shown = typed.asked if typed.asked is not None else f"{visit.at.astimezone(zone):%Y-%m-%dT%H:%M:%S}"
    chosen = typed.chosen if typed.chosen in dict(GIVES_BACK) else GiveBack.AUTO.value
    name, email = (typed.name or "").strip(), (typed.email or "").strip()
    act, error = None, None
    try:
        if name or email:
            act = DeathAct(reader_id, read_moment(shown, zone), name, email, GiveBack(chosen))
    except NotAMoment as refusal:
        error = refusal
    since = "The day of death, or when you were asked. What was charged since then goes back."
    fields = (
        ActField(name="asked", label="It counts from", kind="moment", value=shown, hint=since),
        ActField(name="chosen", label="Goes back", kind="choice", value=chosen, choices=GIVES_BACK),
        ActField(name="name", label="Executor or relative", kind="text", value=name, most=LONGEST_NAME),
        ActField(
            name="email",
            label="Their email address",
            kind="text",
            value=email,
            hint="It gets the confirmation and credit notes, and nothing else.",
            most=LONGEST_ADDRESS,
        ),
    )
    asks = ("Why?", "it stands in the history; say who wrote or called")
    return ActForm("The reader has died", act, fields, error=error, asks=asks)


def undo_death(_visit: StaffVisit, _session: Session, reader_id: str, _typed: Typed) -> ActForm:
    """It was a mistake."""
    return ActForm("The reader has not died", UndoDeathAct(reader_id))


MAKERS: dict[str, tuple[Permission, MakeForm]] = {
    "sign-out": (Permission.READER_SIGN_INS, sign_out),
    "mail-link": (Permission.READER_SIGN_INS, mail_link),
    "join-newsletter": (Permission.READER_NEWSLETTERS, choose(receives=True)),
    "leave-newsletter": (Permission.READER_NEWSLETTERS, choose(receives=False)),
    "deceased": (Permission.DECEASED, record_death),
    "undo-deceased": (Permission.DECEASED, undo_death),
    "send-invoice": (Permission.SEND_INVOICE, send_invoice),
}
"""As `act_forms.MAKERS`."""
