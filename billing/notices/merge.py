"""The mails that say, to both addresses, that two accounts of one person became one."""

from dataclasses import dataclass

from billing.mail.outbox import RECEIPT_LIFE, NewMessage
from billing.notices.send import send_all
from billing.platform.context import TransactionContext
from emails import ALWAYS, Mail, Url


@dataclass(frozen=True)
class AccountsMergedMail(Mail, true_while=ALWAYS):
    """Staff merged two accounts. `signs_in`: whether this is the address that stays. Neither mail names the other address: if it was
    a mistake, no stranger learns it."""

    samples = {"": {}, "freed": {"signs_in": False}}
    account_url: Url
    signs_in: bool = True


def freed_key(merge_id: str) -> str:
    """The key of the mail to the address that is free since."""
    return f"merge:{merge_id}:freed"


def accounts_merged(
    ctx: TransactionContext, merge_id: str, *, reader_id: str, address: str, freed: str
) -> None:
    """Tell the reader at both addresses, in the transaction that merges. The address that is free now has no account any more."""
    url, expires_at = ctx.site.page("/account"), ctx.at + RECEIPT_LIFE
    mails = ((True, f"merge:{merge_id}", address), (False, freed_key(merge_id), freed))
    messages = [
        NewMessage(AccountsMergedMail(url, signs_in=signs_in), key, to, reader_id, expires_at, merge_id)
        for signs_in, key, to in mails
    ]
    send_all(ctx, messages)
