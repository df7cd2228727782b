"""Before a known address gets a card or a subscription, its owner proves it by a mailed link.

Anybody may type an address, so until the proof nothing that a browser sees depends on whether we know it. Where address, mailbox
and card are all new here, a trial starts at once, and the card has had its trial. A start without a trial is for readers who
had theirs, so it always waits for the proof."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from billing.acquirer.answers import SavedCard
from billing.cards.saved_cards import fingerprint_of
from billing.payments.models import CardSetup, SetupPurpose, SetupState
from billing.platform.context import TransactionContext
from billing.platform.logs import log_event
from billing.readers import sign_in
from billing.readers.models import Reader
from billing.readers.register import by_address, by_id
from billing.subscriptions.start import trial_used_by_address, trial_used_by_card

PATIENCE = timedelta(hours=1)
"""How long a start waits for its proof. After that the card must be typed again."""


def is_needed(ctx: TransactionContext, setup: CardSetup, card: SavedCard) -> bool:
    """Whether the address must be proved before this card is kept or used. Not for apps, which answer for their readers, nor for
    another card: there the reader is signed in or holds a mailed link."""
    if setup.purpose is SetupPurpose.CARD or setup.method_ref is not None:
        return False
    reader = by_id(ctx.session, setup.reader_id) if setup.reader_id else by_address(ctx.session, setup.email)
    if reader is not None:
        return not _is_known(setup, reader)
    if setup.browser_known_at is not None:
        return False
    # Without these, a card that had its trial, or that saves and is declined later, could probe which addresses are known.
    return (
        setup.purpose is SetupPurpose.PAID
        or trial_used_by_card(ctx.session, fingerprint_of(ctx.site, card))
        or trial_used_by_address(ctx, setup.email)
    )


def _is_known(setup: CardSetup, reader: Reader) -> bool:
    """Whether the browser was the reader's, and the address hasn't been proved elsewhere since."""
    since, proved_at = setup.browser_known_at, reader.address_proved_at
    return since is not None and (proved_at is None or proved_at <= since)


def is_over(setup: CardSetup, at: datetime) -> bool:
    """Whether a visit has waited too long for its proof."""
    return setup.finished_at is None or at - setup.finished_at > PATIENCE


def request_proof(ctx: TransactionContext, setup: CardSetup, *, mails: bool = True) -> None:
    """Let the visit wait, and mail the address a link for the browser that gave the card. Nothing of the card is kept."""
    setup.state, setup.finished_at = SetupState.AWAITS_PROOF, ctx.at
    if mails:
        sign_in.mail_link_after_card(ctx, setup.email, setup.browser_hash)
    log_event(ctx.session, "start awaits proof", setup=setup.id)


def lock_visit(session: Session, setup_id: str, browser_hashes: Sequence[str]) -> CardSetup | None:
    """Lock the visit with this id, if it was begun in this browser. Lock visits before links, everywhere: `request_proof` issues
    a link for a visit that it has locked, so a sign-in locks the visit first too, and there is no deadlock."""
    mine = select(CardSetup).where(CardSetup.id == setup_id, col(CardSetup.browser_hash).in_(browser_hashes))
    return session.exec(mine.with_for_update().execution_options(populate_existing=True)).first()


def hand_over(ctx: TransactionContext, setup: CardSetup | None, reader: Reader) -> bool:
    """The reader has signed in in the browser of this locked visit, so it is theirs. Whether it waited for that; then the next
    `card_setup.finish` fetches the card again."""
    if setup is None or setup.email.lower() != reader.email.lower():
        return False
    waited = setup.state is SetupState.AWAITS_PROOF
    if waited and is_over(setup, ctx.at):
        return False
    if not waited and setup.state is not SetupState.OPEN:
        return False
    setup.reader_id, setup.browser_known_at = reader.id, ctx.at
    if waited:
        setup.state, setup.finished_at = SetupState.OPEN, None
        setup.next_poll_at, setup.page_poll_at = ctx.at, None
    return waited


def earlier_visit(
    session: Session, setup_id: str, owns: Callable[[str], bool], email: str
) -> CardSetup | None:
    """This browser's last visit, if it was for the same address. `owns`: whether a browser's hash is this one's."""
    setup = session.get(CardSetup, setup_id)
    return setup if setup and owns(setup.browser_hash) and setup.email == email else None


def made_here(session: Session, earlier: CardSetup | None) -> str | None:
    """The reader whose account an earlier visit of this browser has made, while the address isn't proved."""
    if earlier is None or not earlier.new_reader or earlier.reader_id is None:
        return None
    reader = by_id(session, earlier.reader_id)
    return reader.id if reader.address_proved_at is None else None
