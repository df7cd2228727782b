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


def complimentary(ctx: TransactionContext, grant: Grant, last_day: date) -> None:
    """Queue the mail about a new grant."""
    message = NewMessage(
        ComplimentaryMail(last_day=last_day.isoformat(), account_url=ctx.site.account_url),
        f"complimentary:{grant.id}",
        by_id(ctx.session, grant.reader_id).email,
        grant.reader_id,
        min(grant.until, ctx.at + RECEIPT_LIFE),
        grant.reader_id,
    )
    queue(ctx.session, message, ctx.at)
