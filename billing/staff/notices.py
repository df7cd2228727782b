"""Mails to members of staff, and staff's mails about a reader's request."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from billing.mail.outbox import RECEIPT_LIFE, NewMessage, queue, queue_all
from billing.notices.send import moment
from billing.platform.actors import actor_name, staff_id_of
from billing.platform.context import TransactionContext
from billing.readers import devices
from billing.readers.register import by_id
from billing.readers.sessions import Browser
from billing.rules.money import Money
from billing.rules.web_addresses import without_web_addresses
from billing.staff import members
from billing.staff.approval_models import Approval, ApprovalKind
from billing.staff.codes import CodeAnswer
from billing.staff.key_models import ApiKey
from billing.staff.models import Effect, ReaderRequest, RequestMessage, StaffMember
from billing.staff.second_member import who_may_decide
from emails import ALWAYS, Cents, Day, Mail, Url, Words
from emails.languages import Text

CONFIRM_LIFE = timedelta(days=14)
"""How long the link that confirms a request works."""
_A_WEEK = timedelta(days=7)
_MEMBERS = "https://accounts.karoo-courier.example/staff/members"


@dataclass(frozen=True)
class ApprovalAskedMail(
    Mail,
    true_while="EXISTS (SELECT FROM approval a WHERE a.id = m.about AND a.state = 'waiting')",
    for_staff=True,
):
    """`by` asks another member to approve `what`; `last_day` is the last on which one may."""

    by: str
    what: str
    last_day: Day
    url: Url


def approval_asked(ctx: TransactionContext, approval: Approval) -> None:
    """Mail all members who may approve it. The mail doesn't name the reader: mails are read in many places."""
    if approval.kind is ApprovalKind.NEW_ADMIN:
        what = f"Make {approval.act['email']} an admin"
    elif approval.kind is ApprovalKind.KEY_CEILING:
        what = f"Let an API key give {Money(approval.act['cents']).with_vat_words()} back in a day"
    elif approval.kind in (ApprovalKind.BULK, ApprovalKind.ADMIN_CHANGE):
        what = approval.words[0]
    else:
        what = f"Give {Money(approval.cents).with_vat_words()} back to a reader"
    mail = ApprovalAskedMail(
        by=actor_name(ctx.actor),
        what=what,
        last_day=ctx.site.today(approval.expires_at).isoformat(),
        url=ctx.site.page("/staff/approvals"),
    )
    mails = {
        f"approval:{approval.id}:{member.id}": (member, mail) for member in who_may_decide(ctx, approval)
    }
    _send(ctx, mails, approval.expires_at, about=approval.id)


@dataclass(frozen=True)
class MoneyKeyMadeMail(Mail, true_while=ALWAYS, for_staff=True):
    """`by` made the API key `name`, which may give `cents` back to readers in a day."""

    name: str
    by: str
    cents: Cents
    url: Url


def money_key_made(ctx: TransactionContext, key: ApiKey) -> None:
    """Notify all other admins that an API key may give money back."""
    url, cents = ctx.site.page("/staff/keys"), key.cents_a_day
    mail = MoneyKeyMadeMail(name=key.name, by=actor_name(ctx.actor), cents=cents, url=url)
    to = [member for member in members.admins(ctx.session) if member.id != staff_id_of(ctx.actor)]
    _send(ctx, {f"money-key-made:{key.id}:{member.id}": (member, mail) for member in to}, ctx.at + _A_WEEK)


@dataclass(frozen=True)
class AdminAddedMail(Mail, true_while=ALWAYS, for_staff=True):
    """`email` is an admin too, let in by `by`."""

    email: str
    by: str
    url: Url


def admin_added(ctx: TransactionContext, email: str) -> None:
    """Notify all other admins."""
    mail = AdminAddedMail(email=email, by=actor_name(ctx.actor), url=ctx.site.page("/staff/members"))
    to = [member for member in members.admins(ctx.session) if member.email.lower() != email.lower()]
    keys = {f"admin-added:{email.lower()}:{member.id}:{ctx.at.isoformat()}": (member, mail) for member in to}
    _send(ctx, keys, ctx.at + _A_WEEK)


@dataclass(frozen=True)
class CodesLockedMail(Mail, true_while=ALWAYS, for_staff=True):
    """Five codes of a member's authenticator were wrong, so none is accepted until `until_text`.

    `own`: to the member, whose address is `member`; else to an admin. `known`: from a browser in which the member has signed in
    before. `signed_in`: from one that was signed in, and no longer is. `staff_url`: the member's sessions; for an admin, the
    members."""

    samples = {
        "": {},
        "at-home": {"known": True},
        "for-admins": {"own": False, "staff_url": _MEMBERS},
        "signed-in": {"known": True, "signed_in": True},
        "signed-in-for-admins": {"own": False, "known": True, "staff_url": _MEMBERS, "signed_in": True},
    }
    member: str
    own: bool
    known: bool
    at_text: Text
    until_text: Text
    device: Text
    network: str
    staff_url: Url
    signed_in: bool = False


def codes_locked(
    ctx: TransactionContext, member: StaffMember, browser: Browser, answer: CodeAnswer, *, signed_in: bool
) -> None:
    """Warn the member and every other admin of a lock that begins, once. `signed_in`: the browser was signed in.

    A person who guesses codes at the sign-in has opened the member's mailed link. So this warning may reach them too."""
    until = answer.locked_until or ctx.at
    to_member = CodesLockedMail(
        member=member.email,
        own=True,
        known=answer.known,
        at_text=ctx.site.moment(ctx.at),
        until_text=ctx.site.moment(until),
        device=devices.in_words(browser.device),
        network=browser.ip,
        staff_url=ctx.site.page("/staff/sessions"),
        signed_in=signed_in,
    )
    to_admin = replace(to_member, own=False, staff_url=ctx.site.page("/staff/members"))
    key = f"codes-locked:{member.id}:{until:%Y%m%dT%H%M%S}"
    mails = {f"{key}:{admin.id}": (admin, to_admin) for admin in members.admins(ctx.session)}
    mails[f"{key}:{member.id}"] = (member, to_member)
    _send(ctx, mails, ctx.at + timedelta(days=3))


@dataclass(frozen=True)
class RequestAnsweredMail(Mail, true_while=ALWAYS, to_correspondent=True):
    """Staff's answer to the question that a reader sent by the form on `asked_on`; to a request to cancel that had no words, it is
    empty. A reply to the mail joins the thread of `request_id`.

    `account`: the address of a reader who has died; the answer is for their correspondent, who may not have asked."""

    samples = {
        "": {},
        "without-account": {"thread_url": None},
        "without-words": {"question": ""},
        "to-correspondent": {"thread_url": None, "account": "thandi@example.com"},
    }
    asked_on: Day
    question: str
    answer: Words
    thread_url: Url | None
    request_id: str
    account: str = ""


def request_answered(
    ctx: TransactionContext,
    request: ReaderRequest,
    reply: RequestMessage | None,
    answer: str,
    *,
    to_correspondent: bool,
) -> None:
    """Mail staff's answer, to the request or to its reader's last reply, to the address that came with the request; the outbox
    sends it `to_correspondent` of a reader who has died, who has no page to answer on."""
    asked_at, words = (reply.at, reply.words) if reply else (request.received_at, request.words)
    mail = RequestAnsweredMail(
        asked_on=ctx.site.today(asked_at).isoformat(),
        question=words,
        answer=answer,
        thread_url=None if to_correspondent else _thread_url(ctx, request),
        request_id=request.id,
        account=request.email if to_correspondent else "",
    )
    key = f"request-answered:{request.id}:{reply.id if reply else ''}"
    message = NewMessage(mail, key, request.email, request.reader_id, ctx.at + RECEIPT_LIFE)
    queue(ctx.session, message, ctx.at)


def _thread_url(ctx: TransactionContext, request: ReaderRequest) -> str | None:
    """The page of the thread, for a reader who signs in."""
    return ctx.site.page(f"/account/requests/{request.id}") if request.reader_id else None


@dataclass(frozen=True)
class StaffLetterMail(Mail, true_while=ALWAYS):
    """A mail that staff write to many readers at once, about their accounts. `title` is its subject and heading."""

    title: str
    text: Words


def letter(ctx: TransactionContext, reader_id: str, *, subject: str, text: str, key: str) -> None:
    """Mail the reader what staff wrote, once for its key. Raises UnknownReader, ReaderMerged."""
    reader = by_id(ctx.session, reader_id)
    mail = StaffLetterMail(title=subject, text=text)
    queue(ctx.session, NewMessage(mail, key, reader.email, reader.id, ctx.at + RECEIPT_LIFE), ctx.at)


@dataclass(frozen=True)
class RequestReceivedMail(Mail, true_while=ALWAYS):
    """A request came at `received_text`. `effect`: what one to cancel did at once. `read`: a person reads it.

    `question` repeats its words, or is empty. `signed_in`: the sender was; otherwise anybody may have typed the address. A reply to the
    mail joins the thread of `request_id`."""

    samples = {
        "": {"asked": "wrong_charge"},
        "to-cancel": {"asked": "cancel", "signed_in": False, "question": "", "thread_url": None},
        "with-words": {"asked": "cancel", "effect": "cancelled"},
        "was-cancelled": {"asked": "cancel", "effect": "was_cancelled", "question": "", "read": False},
        "nothing-runs": {"asked": "cancel", "effect": "nothing_runs", "question": ""},
        "to-withdraw": {"asked": "withdraw"},
    }
    received_text: Text
    asked: str
    """A `RequestKind`."""
    effect: Literal["waits", "cancelled", "was_cancelled", "nothing_runs"]
    question: str
    read: bool
    signed_in: bool
    thread_url: Url | None
    request_id: str


def request_received(
    ctx: TransactionContext, request: ReaderRequest, effect: Effect, *, proved: bool
) -> None:
    """Acknowledge a request by mail to its address, with its time. `proved`: the sender has proved that the address is theirs.

    Otherwise the mail must carry no stranger's message: an unknown address gets no words, a reader's gets them without links."""
    words = request.words if request.reader_id else ""
    mail = RequestReceivedMail(
        received_text=moment(ctx.site, request.received_at),
        asked=request.kind.value,
        effect=effect.value,
        question=words if proved else without_web_addresses(words),
        read=request.waits_since is not None,
        signed_in=request.email_verified,
        thread_url=_thread_url(ctx, request),
        request_id=request.id,
    )
    key = f"request-received:{request.id}"
    message = NewMessage(
        mail, key, request.email, request.reader_id, ctx.at + RECEIPT_LIFE, language=ctx.language
    )
    queue(ctx.session, message, ctx.at)


@dataclass(frozen=True)
class ConfirmRequestMail(
    Mail,
    true_while="""EXISTS (SELECT FROM reader_request q
                          WHERE q.id = m.about AND q.closed_at IS NULL AND NOT q.email_verified)""",
):
    """Asks a reader whether they sent the request to cancel that came by form with their address at `asked_text`. `question` is
    its text, or empty. The link works for `days`."""

    samples = {"": {}, "without-words": {"question": ""}}
    asked_text: Text
    question: str
    confirm_url: Url
    account_url: Url
    days: int


def confirm_request(ctx: TransactionContext, request: ReaderRequest, reader_id: str) -> None:
    """Ask the reader, at their address as we have it, to confirm the request. At most one mail a day."""
    reader = by_id(ctx.session, reader_id)
    mail = ConfirmRequestMail(
        asked_text=moment(ctx.site, request.received_at),
        question=request.words,
        confirm_url=ctx.site.confirm_url(request.id),
        account_url=ctx.site.account_url,
        days=CONFIRM_LIFE.days,
    )
    key = f"confirm-request:{request.id}:{ctx.today.isoformat()}"
    message = NewMessage(mail, key, reader.email, reader.id, ctx.at + CONFIRM_LIFE, request.id)
    queue(ctx.session, message, ctx.at)


def _send(
    ctx: TransactionContext,
    mails: Mapping[str, tuple[StaffMember, Mail]],
    expires_at: datetime,
    *,
    about: str | None = None,
) -> None:
    """Queue a mail for each member, by key."""
    messages = [
        NewMessage(mail, key, member.email, None, expires_at, about) for key, (member, mail) in mails.items()
    ]
    queue_all(ctx.session, messages, ctx.at)
