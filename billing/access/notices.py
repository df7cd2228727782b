"""The mail about complimentary reading."""

from dataclasses import dataclass
from datetime import date

from billing.access.models import Grant
from billing.mail.outbox import RECEIPT_LIFE, NewMessage, queue
from billing.platform.context import TransactionContext
from billing.readers.register import by_id
from emails import ALWAYS, Day, Mail, Url


@dataclass(frozen=True)
class ComplimentaryMail(Mail, true_while=ALWAYS, only_newest=True):
    """Staff opened everything to a reader who has no subscription, through `last_day`."""

    last_day: Day
    account_url: Url


@dataclass(frozen=True)
class ComplimentaryInvitedMail(Mail, true_while=ALWAYS):
    """Staff opened everything through `last_day` to somebody who had no account; it is `email`'s now, and `sign_in_url` opens it."""

    last_day: Day
    email: str
    sign_in_url: Url


def complimentary(ctx: TransactionContext, grant: Grant, last_day: date, *, invites: bool = False) -> None:
    """Queue the mail about a new grant. `invites`: to somebody whose account staff have just made."""
    reader = by_id(ctx.session, grant.reader_id)
    mail: Mail = ComplimentaryMail(last_day=last_day.isoformat(), account_url=ctx.site.account_url)
    if invites:
        sign_in_url = ctx.site.page("/sign-in")
        mail = ComplimentaryInvitedMail(last_day.isoformat(), reader.email, sign_in_url)
    message = NewMessage(
        mail,
        f"complimentary:{grant.id}",
        reader.email,
        grant.reader_id,
        min(grant.until, ctx.at + RECEIPT_LIFE),
        grant.reader_id,
    )
    queue(ctx.session, message, ctx.at)
