"""Ask for another address: the new one gets a link that confirms it, the old one a link that stops it (SEC-2, 6.3.7)."""

from datetime import timedelta

from billing.personal_data.ask import is_closing
from billing.platform import ids
from billing.platform.actors import ReaderActor, acted_by
from billing.platform.context import TransactionContext
from billing.platform.errors import Conflict
from billing.platform.logs import log_event
from billing.readers import address_change, rate, sign_in
from billing.readers.address_change import LIFE, LIFE_FOR_STAFF, LINKS, PURPOSE, AddressChange
from billing.readers.links import spend
from billing.readers.models import Reader
from billing.readers.notices import address_asked, address_taken, confirm_address
from billing.readers.register import by_address, clean_address, lock_reader
from billing.readers.sessions import Browser

MOST_A_DAY = 10


class SameAddress(Conflict):
    """This is the account’s address already."""

    code = "same_address"


class AddressTaken(Conflict):
    """This address has an account of its own. If both are the same person’s, they can be merged."""

    code = "address_taken"
    title = "This address has an account"


class AccountCloses(Conflict):
    """The account is being closed. Its address can be changed once it is kept."""

    code = "account_closes"


def count_requests(ctx: TransactionContext, reader_id: str, email: str, browser: Browser) -> None:
    """Limit what a reader asks for, by mailbox and network as for links to sign in, and by account. Raises BadAddress, TooMany."""
    sign_in.count_mails(ctx, PURPOSE, clean_address(email), browser, known=False)
    count_of_account(ctx, reader_id)


def count_of_account(ctx: TransactionContext, reader_id: str) -> None:
    """Limit requests for one account, whoever asks. Raises TooMany."""
    rate.count(ctx, "address-of", reader_id, limit=MOST_A_DAY, per=timedelta(days=1))


def check(ctx: TransactionContext, reader: Reader, email: str) -> str:
    """The address as we write to it, where the reader may have it. Raises BadAddress, SameAddress, AccountCloses."""
    email = clean_address(email)
    if is_closing(ctx.session, reader.id):
        raise AccountCloses
    if email.lower() == reader.email.lower():
        raise SameAddress
    return email


def refuse_taken(ctx: TransactionContext, email: str) -> None:
    """For staff and programs, who may know who has an account. Raises AddressTaken."""
    owner = by_address(ctx.session, email)
    if owner is not None:
        raise AddressTaken(reader_id=owner.id)


def ask(ctx: TransactionContext, reader_id: str, email: str, browser: Browser | None = None) -> AddressChange:
    """Begin a change, in place of one that waits. Without a browser staff or a program asks, and any browser may confirm it.

    To a reader the answer is the same for an address that has an account; that account's owner gets a mail (6.3.8). Raises
    UnknownReader, BadAddress, SameAddress, AccountCloses; without a browser also AddressTaken."""
    reader = lock_reader(ctx.session, reader_id)
    email = check(ctx, reader, email)
    by_reader = browser is not None and isinstance(ctx.actor, ReaderActor)
    if not by_reader:
        refuse_taken(ctx, email)
    for older in address_change.waiting(ctx.session, reader.id):
        spend(ctx, older)
    change = LINKS.issue(
        ctx,
        reader.id,
        browser.hashes if browser is not None and by_reader else (ids.new("any", ctx.at),),
        life=LIFE if by_reader else LIFE_FOR_STAFF,
        old_email=reader.email,
        new_email=email,
        **acted_by(ctx.actor),
    )
    owner = by_address(ctx.session, email)
    if owner is None:
        confirm_address(ctx, change)
    else:
        address_taken(ctx, change, owner)
    address_asked(ctx, change)
    log_event(ctx.session, "address change asked for", reader=reader.id, change=change.id)
    return change
