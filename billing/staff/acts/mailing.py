"""Write a mail to a reader about their account."""

from dataclasses import dataclass

from billing.mail.suppressions import ALL, is_suppressed
from billing.mail.unreachable import refuses
from billing.platform.context import TransactionContext
from billing.platform.errors import Conflict
from billing.readers import deceased
from billing.readers.register import by_id
from billing.staff import notices
from billing.staff.acts.shape import Preview
from billing.staff.roles import Permission


class MailsBounce(Conflict):
    """Mails to this address come back, so this one wouldn't arrive."""

    code = "mails_bounce"


@dataclass(frozen=True)
class MailAct:
    """Queue the mail, once for its `key`."""

    reader_id: str
    subject: str
    text: str
    key: str
    what = Permission.MAIL

    def preview(self, ctx: TransactionContext, /) -> Preview:
        """To whom it goes. Raises UnknownReader, ReaderMerged, ReaderHasDied, MailsBounce."""
        reader = by_id(ctx.session, self.reader_id)
        deceased.refuse(ctx.session, reader.id)
        if refuses(ctx.session, reader.id, reader.email) or is_suppressed(ctx, reader.email, [ALL]):
            raise MailsBounce
        return Preview((f"The mail “{self.subject}” goes to {reader.email}.",), "Send the mail")

    def do(self, ctx: TransactionContext, reason: str, /) -> str:  # noqa: ARG002 - the mail has words of its own
        """Queue it."""
        notices.letter(ctx, self.reader_id, subject=self.subject, text=self.text, key=self.key)
        return self.key
