"""The mail that tells a member what waits. It names no reader: mails are read in many places."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from billing.mail.outbox import NewMessage, queue_all
from billing.platform.context import TransactionContext
from billing.rules.staff_alerts import AlertKind
from billing.staff.models import StaffMember
from emails import ALWAYS, Day, Mail, MailFacts, Url

LISTED = 5
"""How many things a mail names; it counts the others."""
LIFE = timedelta(days=2)
PAGES = {
    AlertKind.CASE_OPENED: "/staff/cases",
    AlertKind.DISPUTE_NEARS: "/staff/cases",
    AlertKind.REQUEST_WAITS: "/staff/requests",
}
CHOICES = "/staff/alerts"
_CASE = {"what": "A bank disputes a charge and wants an answer", "day": "2026-03-17"}


@dataclass(frozen=True, slots=True)
class Alerted:
    """What a member is mailed about. `since`: when the case opened, the reader began to wait, or the answer is due."""

    subject: str
    since: datetime
    words: str


@dataclass(frozen=True)
class AlertedThing(MailFacts):
    """One line of the mail."""

    what: str
    day: Day


@dataclass(frozen=True)
class StaffAlertMail(Mail, true_while=ALWAYS, for_staff=True):
    """What waits, of one kind; `more` besides those in `things`. `alerts_url` switches the kind off."""

    samples = {
        "": {"about": "case_opened", "more": 0, "things": [_CASE]},
        "several": {
            "about": "case_opened",
            "more": 3,
            "things": [_CASE, {**_CASE, "what": "A payout isn't the sum of what it pays out"}],
        },
        "dispute": {
            "about": "dispute_nears",
            "more": 0,
            "things": [{**_CASE, "what": "A bank disputes a charge"}],
        },
        "request": {"about": "request_waits", "more": 0, "things": [{**_CASE, "what": "Asked to cancel"}]},
    }
    about: str
    """An `AlertKind`."""
    more: int
    url: Url
    alerts_url: Url
    things: tuple[AlertedThing, ...] = field(default=(), kw_only=True)


def send_alerts(
    ctx: TransactionContext, kind: AlertKind, found: Sequence[Alerted], members: Sequence[StaffMember]
) -> None:
    """Queue one mail to each member about all of them. Its key names the first: `alerts` finds each once."""
    mail = StaffAlertMail(
        about=kind.value,
        more=max(0, len(found) - LISTED),
        url=ctx.site.page(PAGES[kind]),
        alerts_url=ctx.site.page(CHOICES),
        things=tuple(
            AlertedThing(what=one.words, day=ctx.site.today(one.since).isoformat()) for one in found[:LISTED]
        ),
    )
    first = found[0]
    key = f"staff-alert:{kind.value}:{first.subject}:{first.since:%Y%m%dT%H%M%S%f}"
    messages = [
        NewMessage(mail, f"{key}:{member.id}", member.email, None, ctx.at + LIFE) for member in members
    ]
    queue_all(ctx.session, messages, ctx.at)
