"""Take in a card that the database lost: on its subscription, or for a reader who started since the backup and must start again."""

from datetime import datetime
from enum import Enum, auto

from sqlmodel import select

from billing.acquirer.balance_port import FoundCard
from billing.cards import card_setup
from billing.cards.saved_cards import HasEnded, change_card, keep_card
from billing.cases.models import CaseKind
from billing.cases.open import open_case
from billing.payments.models import CardSetup, PaymentMethod, SetupState
from billing.platform.context import TransactionContext
from billing.readers.models import Reader
from billing.readers.register import by_address, register
from billing.reconcile.catch_up import ReconcileContext
from billing.subscriptions.models import Subscription


class CardFound(Enum):
    """What became of a card that this database lost."""

    IN_USE = auto()
    OF_LOST_START = auto()
    """Its reader started since the backup, and must start again."""
    KEPT = auto()
    """Its subscription has ended."""


def take_in_card(run: ReconcileContext, found: FoundCard, at: datetime) -> CardFound | None:
    """Write down a saved card; None where it is known already, or nothing was taken in."""
    with run.database.transaction() as session:
        known = select(PaymentMethod.id).where(
            PaymentMethod.acquirer == run.acquirer, PaymentMethod.gateway_ref == found.card.method_ref
        )
        if session.exec(known).first() is not None:
            return None
        setup = session.get(CardSetup, found.setup_id) if found.setup_id else None
    if setup is not None:  # opened before the backup, finished since
        done = card_setup.finish(
            run.database,
            run.acquirers,
            run.site,
            card_setup.SetupToFinish(setup.id, mails=False),
            at,
            by=run.actor,
        )
        if done.state is SetupState.AWAITS_PROOF:
            return _unproved(run, found, done, at)
        return CardFound.IN_USE if done.state is SetupState.DONE else None
    with run.database.begin(run.site, at, run.actor) as ctx:
        if found.subscription_id and ctx.session.get(Subscription, found.subscription_id) is not None:
            return _change(ctx, run, found, found.subscription_id)
        return _lost_start(ctx, run, found)


def _change(
    ctx: TransactionContext, run: ReconcileContext, found: FoundCard, subscription_id: str
) -> CardFound:
    reader_id = ctx.session.get_one(Subscription, subscription_id).reader_id
    method = keep_card(ctx, run.acquirer, reader_id, found.card)
    try:
        change_card(ctx, subscription_id, method)
    except HasEnded:
        return CardFound.KEPT
    return CardFound.IN_USE


def _lost_start(ctx: TransactionContext, run: ReconcileContext, found: FoundCard) -> CardFound | None:
    """The reader's consent is lost, so nothing starts and nothing is charged: a member of staff asks them."""
    if not found.email:
        return None
    reader, _ = register(ctx, found.email)
    keep_card(ctx, run.acquirer, reader.id, found.card)
    words = f"{reader.email} gave a card on {run.site.today(found.at):%-d %B %Y}, after the backup from which this database was restored."
    _open_case(ctx, run, found, f"{words} What they began is lost: ask them to begin again.", reader)
    return CardFound.OF_LOST_START


def _unproved(run: ReconcileContext, found: FoundCard, setup: CardSetup, at: datetime) -> CardFound | None:
    """The setup waits for a proof of its address that the reader may have given since the backup: a member of staff asks. Until
    then the card may be a stranger's, so it isn't kept."""
    with run.database.begin(run.site, at, run.actor) as ctx:
        words = (
            f"Somebody gave a card for {setup.email} on {run.site.today(found.at):%-d %B %Y}, about when the backup was taken from"
            " which this database was restored. If the reader confirmed the address after that, what they began is lost. Ask them, and if"
            " they did, to begin again."
        )
        opened = _open_case(ctx, run, found, words, by_address(ctx.session, setup.email))
    return CardFound.OF_LOST_START if opened else None


def _open_case(
    ctx: TransactionContext, run: ReconcileContext, found: FoundCard, words: str, reader: Reader | None
) -> bool:
    """Open the case about this card; whether there was none yet."""
    theirs = run.gateway.display_name
    return open_case(
        ctx,
        CaseKind.LOST_START,
        found.card.method_ref,
        words,
        reader_id=reader.id if reader else None,
        facts={f"customer at {theirs}": found.card.customer_ref, f"card at {theirs}": found.card.method_ref},
        link=f"/staff/readers/{reader.id}" if reader else None,
    )
