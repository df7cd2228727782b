"""The mail that says that a reader's data can be downloaded (POPIA, section 23)."""

from dataclasses import dataclass
from datetime import datetime

from billing.mail.outbox import NewMessage
from billing.notices.send import send_all
from billing.platform.context import TransactionContext
from billing.readers.models import Reader
from emails import Day, Mail, Url


@dataclass(frozen=True)
class DataReadyMail(Mail, true_while="EXISTS (SELECT FROM data_request d WHERE d.id = m.about)"):
    """The file can be downloaded from `data_url` until `fetch_by`. The mail holds no data, and the page asks for a fresh sign-in."""

    fetch_by: Day
    data_url: Url


def data_ready(ctx: TransactionContext, reader: Reader, request_id: str, *, until: datetime) -> None:
    """Mail the link to the page. It isn't sent after `until`."""
    mail = DataReadyMail(fetch_by=ctx.site.today(until).isoformat(), data_url=ctx.site.page("/account/data"))
    send_all(ctx, [NewMessage(mail, f"data:{request_id}", reader.email, reader.id, until, request_id)])
