"""The mail that confirms that an account is closed, and says when it is erased (POP-5)."""

from dataclasses import dataclass
from datetime import date

from billing.mail.outbox import RECEIPT_LIFE, NewMessage
from billing.notices.send import send_all
from billing.platform.context import TransactionContext
from billing.readers.models import Reader
from emails import Day, Mail, Url


@dataclass(frozen=True)
class ErasureAskedMail(
    Mail,
    true_while="EXISTS (SELECT FROM erasure e WHERE e.id = m.about AND e.done_at IS NULL AND e.taken_back_at IS NULL)",
):
    """The account is closed, and is erased from `erased_on`, at the latest by `latest_on`. `keep_url` takes it back until then."""

    erased_on: Day
    latest_on: Day
    keep_url: Url


def erasure_asked(
    ctx: TransactionContext, reader: Reader, erasure_id: str, *, erased_on: date, latest_on: date
) -> None:
    """Answer the request in writing, at once. It is the last mail to this address but for money that goes back."""
    mail = ErasureAskedMail(
        erased_on=erased_on.isoformat(),
        latest_on=latest_on.isoformat(),
        keep_url=ctx.site.page("/account/erase"),
    )
    message = NewMessage(
        mail, f"erasure:{erasure_id}", reader.email, reader.id, ctx.at + RECEIPT_LIFE, erasure_id
    )
    send_all(ctx, [message])
