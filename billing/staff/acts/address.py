"""Begin a change of a reader's address, as the reader asked. The new address confirms it; the old one can stop it."""

from dataclasses import dataclass
from datetime import timedelta

from billing.address_changes import request
from billing.platform.context import TransactionContext
from billing.readers.address_change import LIFE_FOR_STAFF, STOP_LIFE
from billing.readers.register import by_id
from billing.rules import address_hints
from billing.staff.acts.shape import Preview
from billing.staff.roles import Permission

DAY = timedelta(days=1)


@dataclass(frozen=True)
class ChangeAddressAct:
    """Mail the link that makes `email` the reader's address."""

    reader_id: str
    email: str
    what = Permission.CHANGE_ADDRESS

    def preview(self, ctx: TransactionContext, /) -> Preview:
        """Who gets which mail, and what follows. Raises BadAddress, SameAddress, AddressTaken, AccountCloses."""
        reader = by_id(ctx.session, self.reader_id)
        email = request.check(ctx, reader, self.email)
        request.refuse_taken(ctx, email)
        suggested = address_hints.suggestion(email)
        words = (
            *([f"Look twice: did the reader mean {suggested}?"] if suggested else []),
            f"{email} gets a link, which works for {LIFE_FOR_STAFF // DAY} days. The address changes once it is confirmed there.",
            f"{reader.email} gets a mail about it, with a link that stops it, and that puts the address back for"
            f" {STOP_LIFE // DAY} days after.",
            "Then the reader signs in with the new address, and mails, newsletters and the payment partner have it.",
        )
        return Preview(words, "Mail the link to the new address")

    def do(self, ctx: TransactionContext, _: str, /) -> str:
        """Begin it; the id of the change."""
        request.count_of_account(ctx, self.reader_id)
        return request.ask(ctx, self.reader_id, self.email).id
