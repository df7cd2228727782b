"""Give complimentary days to an address without an account: makes the account, and mails an invitation."""

import hashlib
from dataclasses import dataclass

from billing.access import grants
from billing.platform.context import TransactionContext
from billing.platform.errors import Conflict
from billing.readers.models import Reader
from billing.readers.register import by_address, clean_address, register
from billing.staff.acts.free_reading import ComplimentaryAct
from billing.staff.acts.limits import check_limits, left_in_words
from billing.staff.acts.perform import StaleVersion, perform
from billing.staff.acts.shape import Preview, day, days_in_words
from billing.staff.roles import Role

NOBODY = ""
"""Stands for the id of a reader who has no account yet: nothing was given to them this month."""


class HasAccount(Conflict):
    """This address has an account already. Give the days on its page."""

    code = "has_account"

    def __init__(self, reader_id: str) -> None:
        super().__init__(reader_id=reader_id)
        self.reader_id = reader_id


@dataclass(frozen=True)
class InviteAct(ComplimentaryAct):
    """The same for an account made in this transaction: the mail invites its reader."""

    def do(self, ctx: TransactionContext, reason: str, /) -> str:
        """Give the days; the id of the grant."""
        return grants.give(ctx, self.reader_id, self.days, reason=reason, invites=True).id


def preview(ctx: TransactionContext, email: str, days: int, *, role: Role) -> tuple[Preview, str]:
    """What it would do, and its version for `invite`. Raises BadAddress, HasAccount, OverLimit, NoGrantedDays."""
    email = clean_address(email)
    known = by_address(ctx.session, email)
    if known is not None:
        raise HasAccount(known.id)
    act = InviteAct(NOBODY, days)
    given = check_limits(ctx, role, act)
    last_day = grants.last_day_of(ctx, NOBODY, days)
    words = (
        f"{email} gets an account, which they have not proved to be theirs yet.",
        f"Everything is open to it through {day(last_day)}, free of charge.",
        "A mail says so, and how to sign in: with a link that we mail to this address, so nobody else can.",
        "No card is charged, and nothing has to be cancelled.",
        *left_in_words(ctx, role, act, given),
    )
    shown = f"{email.lower()} {days} {last_day}"
    version = hashlib.sha256(shown.encode()).hexdigest()[:16]
    return Preview(words, f"Give {days_in_words(days)} to {email}", days=days), version


def invite(
    ctx: TransactionContext, email: str, days: int, *, role: Role, reason: str, version: str
) -> Reader:
    """Make the account, give the days, and mail the invitation. Two at once for one address make one account and give once.

    Raises StaleVersion where the preview showed something else, and as `preview` and `perform`."""
    if preview(ctx, email, days, role=role)[1] != version:
        raise StaleVersion
    reader, is_new = register(ctx, email)
    if not is_new:  # another member, or the reader, was faster
        raise HasAccount(reader.id)
    perform(ctx, InviteAct(reader.id, days), role=role, reason=reason, version=None)
    return reader
