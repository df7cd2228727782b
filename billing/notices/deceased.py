"""The mail to the executor or relative of a reader who has died."""

from collections.abc import Sequence
from dataclasses import dataclass

from billing.mail.outbox import RECEIPT_LIFE, NewMessage
from billing.notices.returned_charges import SAMPLE_UNDER_WAY, MailWithRefunds, attach_refunds
from billing.notices.send import send_all
from billing.payments.refund_models import Refund
from billing.platform.context import TransactionContext
from billing.readers.deceased import DeceasedReader
from billing.readers.register import by_id
from billing.subscriptions.models import Subscription
from emails import ALWAYS


@dataclass(frozen=True)
class DeathRecordedMail(MailWithRefunds, true_while=ALWAYS, to_correspondent=True):
    """Confirms that the account of `email`, whose reader has died, gets no more mail; and where a subscription `ended`, that it
    has, with all that goes back."""

    samples = {
        "": {"ended": True},
        "with-money": {"ended": True, "returns": [{}], "notes": [{}]},
        "with-money-later": {"ended": True, "returns": [SAMPLE_UNDER_WAY]},
        "without-subscription": {"ended": False},
    }
    email: str
    ended: bool


def death_recorded(
    ctx: TransactionContext,
    death: DeceasedReader,
    subscription: Subscription | None = None,
    returning: Sequence[Refund] = (),
) -> None:
    """Confirm it to the correspondent, with the end of the subscription and what goes back."""
    reader, key = by_id(ctx.session, death.reader_id), f"death:{death.id}"
    mail = DeathRecordedMail(email=reader.email, ended=subscription is not None)
    about = subscription.id if subscription is not None else None
    # To the reader's address: `outbox` gives it to the correspondent, as the mail is `to_correspondent`.
    send_all(ctx, [NewMessage(mail, key, reader.email, reader.id, ctx.at + RECEIPT_LIFE, about)])
    attach_refunds(ctx, key, returning)
