"""What follows a reader from one address to another, in the transaction that changes it."""

import sqlalchemy as sa

from billing.address_changes.request import AddressTaken
from billing.mail import suppressions, unreachable
from billing.mail.suppression_models import SuppressionReason
from billing.newsletters import signups
from billing.newsletters.models import SignupState
from billing.newsletters.signups import Origin, Person
from billing.notices.merge import AccountsMergedMail
from billing.platform.context import TransactionContext
from billing.readers import rate, sign_in
from billing.readers.models import Reader
from billing.readers.notices import KEEP_THEIR_ADDRESS
from billing.readers.register import by_address, by_id, lock_reader
from billing.subscriptions.start import share_used_trial

OF_THE_PERSON = (
    *(SuppressionReason.COMPLAINT, SuppressionReason.REGISTER, SuppressionReason.STAFF),
    SuppressionReason.DECEASED,
)
"""Suppressions that a person wanted, or the law. A bounce says something of a mailbox alone."""
OF_ONE_ADDRESS = (*KEEP_THEIR_ADDRESS, AccountsMergedMail.kind)
"""Kinds of mails that say something of the address that they go to."""
COUNTED = ("sign-in", "start", "request", "signup", "signup-day")
"""What is counted by mailbox, within a day at most."""


def lock_with_links(ctx: TransactionContext, reader_id: str) -> Reader:
    """Lock a reader whose address may change, and before that the links to sign in with it. Raises UnknownReader."""
    sign_in.lock_links_of(ctx, by_id(ctx.session, reader_id).email)
    return lock_reader(ctx.session, reader_id)


def move(ctx: TransactionContext, reader: Reader, email: str) -> None:
    """Make the address that of the locked reader, with all that follows it. Two at once decide by the unique index. Raises
    AddressTaken."""
    if by_address(ctx.session, email) is not None:
        raise AddressTaken
    old = reader.email
    # asked before `redirect_mails`, which takes the refused mails along
    refused = unreachable.refuses(ctx.session, reader.id, old)
    try:
        with ctx.session.begin_nested():
            reader.email = email
    except sa.exc.IntegrityError as error:
        raise AddressTaken from error
    sign_in.spend_links_of(ctx, old)
    redirect_mails(ctx, reader, also_claimed=refused)
    _take_signups_along(ctx, reader, old)
    _keep_opt_outs(ctx, reader, old)
    share_used_trial(ctx, reader.id, (old, email))
    for what in COUNTED:
        rate.carry(ctx, what, old, email)


def redirect_mails(ctx: TransactionContext, reader: Reader, *, also_claimed: bool = False) -> None:
    """Send what waits for the reader to their present address. `also_claimed`: also a mail that a worker has claimed, as the old
    address refuses what it gets; else that one isn't touched."""
    unreachable.send_elsewhere(
        ctx.session,
        reader.id,
        reader.email,
        ctx.at,
        but=OF_ONE_ADDRESS,
        also_claimed=also_claimed,
    )


def _take_signups_along(ctx: TransactionContext, reader: Reader, old: str) -> None:
    """Newsletters go to a reader's present address. What the bare old address chose becomes the reader's own choice."""
    rows = signups.rows_of(ctx.session, Person(old, reader.id))
    mine = {row.newsletter_id: row for row in rows if row.reader_id is not None}
    for bare in (row for row in rows if row.reader_id is None):
        own = mine.get(bare.newsletter_id)
        if own is None:
            bare.reader_id = reader.id
        elif bare.state is not SignupState.LEFT:
            signups.settle(ctx, bare, SignupState.LEFT, Origin("the reader has another address"))
    ctx.session.flush()


def _keep_opt_outs(ctx: TransactionContext, reader: Reader, old: str) -> None:
    for row in suppressions.standing(ctx.session, ctx.site.tokens, old):
        # `all` by staff says that this mailbox gets nothing, not that the person wants nothing
        of_mailbox = row.scope == suppressions.ALL and row.reason is not SuppressionReason.DECEASED
        if row.reason in OF_THE_PERSON and not of_mailbox:
            suppressions.suppress(
                ctx,
                reader.email,
                scope=row.scope,
                reason=row.reason,
                source=f"followed the reader: {row.source}",
            )
