"""Confirm a new address, by the link or the code that was mailed there. From then on it is the reader's."""

from billing.address_changes import follow
from billing.address_changes.request import AccountCloses
from billing.personal_data.ask import is_closing
from billing.platform.context import TransactionContext
from billing.platform.logs import log_event
from billing.readers import sessions
from billing.readers.address_change import LINKS, PURPOSE, AddressChange
from billing.readers.links import LinkSpent, OtherBrowser, belongs_here, spend
from billing.readers.models import Reader
from billing.readers.notices import address_changed
from billing.readers.sessions import Browser


def find(ctx: TransactionContext, token: str) -> AddressChange:
    """The change that this link can still confirm. Changes nothing: mail scanners follow links too (H6). Raises LinkSpent."""
    return LINKS.find(ctx, token)


def may_confirm_here(change: AddressChange, browser_hashes: tuple[str, ...]) -> bool:
    """Whether this browser may use the link. What a reader asked for only the browser that asked: else a stranger could have the
    owner of a mailbox take over the stranger's account."""
    return not change.by_reader or belongs_here(change, browser_hashes)


def confirm(ctx: TransactionContext, token: str, browser: Browser) -> AddressChange:
    """Use the link. Raises LinkSpent, OtherBrowser, AddressTaken, AccountCloses."""
    reader = _lock_reader_of(ctx, token)
    change = LINKS.find(ctx, token)
    if not may_confirm_here(change, browser.hashes):
        raise OtherBrowser
    spend(ctx, change)
    return _make(ctx, reader, change)


def confirm_code(ctx: TransactionContext, code: str, browser: Browser) -> AddressChange | None:
    """Use the code from the mail, typed in the browser that asked; None, and one try fewer, when it is wrong. Raises as `confirm`."""
    reader_id = LINKS.owner_here(ctx, browser.hashes)
    if reader_id is None:
        raise LinkSpent
    reader = follow.lock_with_links(ctx, reader_id)
    change = LINKS.use_code(ctx, code, browser.hashes)
    if change is None:
        log_event(ctx.session, "address code wrong", reader=reader_id)
        return None
    if change.reader_id != reader.id:  # a newer one of another account meanwhile
        raise LinkSpent
    return _make(ctx, reader, change)


def _lock_reader_of(ctx: TransactionContext, token: str) -> Reader:
    """Lock the reader before the link, in the order of all that changes an account. Raises LinkSpent."""
    subject = ctx.site.tokens.subject_of(PURPOSE, token)
    change = ctx.session.get(AddressChange, subject) if subject is not None else None
    if change is None:
        raise LinkSpent
    return follow.lock_with_links(ctx, change.reader_id)


def _make(ctx: TransactionContext, reader: Reader, change: AddressChange) -> AddressChange:
    if is_closing(ctx.session, reader.id):
        raise AccountCloses
    if reader.email != change.old_email:
        raise LinkSpent
    follow.move(ctx, reader, change.new_email)
    change.confirmed_at = change.customer_due_at = ctx.at
    sessions.prove_address(ctx, reader)
    address_changed(ctx, change)
    log_event(ctx.session, "address changed", reader=reader.id, change=change.id)
    return change
