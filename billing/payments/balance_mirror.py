"""Mirror acquirers' balances: each movement once, its fee in the ledger, payouts with what they pay out."""

from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import Insert, insert
from sqlmodel import col

from billing.acquirer.answers import NoSuchObject, Unknown
from billing.acquirer.balance_port import Movement, NotListed, PayoutAnswer, PayoutListing
from billing.acquirer.port import Gateway
from billing.ledger.models import Account
from billing.ledger.post import Posting, post, post_many
from billing.payments import currency_conversion
from billing.payments.balance_models import BalanceMovement, Payout
from billing.platform.actors import WORKER
from billing.platform.context import TransactionContext
from billing.platform.db import Database
from billing.platform.errors import Unavailable
from billing.platform.site import Site
from billing.rules.absence import LISTED_WITHIN

_AT_ONCE = 500
FEE = "fee"
"""The category of what the acquirer takes by itself, apart from any charge."""
RETURNED = "payout_reversal"
"""The category of a payout that came back: the bank refused it, or it was called off."""


def keep_movements(
    ctx: TransactionContext, acquirer: str, movements: list[Movement], *, payout_ref: str | None = None
) -> int:
    """Keep movements, and book their fees and the payouts that came back; how many were new. `payout_ref`: the payout that they
    are in. Safe to repeat."""
    new = 0
    for first in range(0, len(movements), _AT_ONCE):
        batch = movements[first : first + _AT_ONCE]
        rows = insert(BalanceMovement).values(
            [asdict(movement) | {"acquirer": acquirer, "payout_ref": payout_ref} for movement in batch]
        )
        # xmax is 0 where a row was inserted, and not where it was updated
        written = ctx.session.execute(_once(rows).returning(col(BalanceMovement.ref), sa.text("xmax = 0")))
        new += sum(bool(inserted) for _, inserted in written)
        post_many(ctx.session, list(_postings(ctx, batch)))
        disputes = [row.source_ref for row in batch if row.category in currency_conversion.DISPUTES]
        # Before `book_conversions`, which books a movement once: a dispute is booked by what is noted here.
        currency_conversion.present_disputes(ctx, acquirer, filter(None, disputes))
        currency_conversion.book_conversions(ctx, acquirer, batch)
    return new


def _once(rows: Insert) -> Insert:
    """A movement stays as it was first kept; what wasn't known then is filled in."""
    kept, new = BalanceMovement, rows.excluded
    missing = {
        name: sa.func.coalesce(getattr(kept, name), new[name])
        for name in ("presented_amount", "presented_currency", "charge_ref")
    }
    return rows.on_conflict_do_update(
        index_elements=["acquirer", "ref"],
        set_={"payout_ref": sa.func.coalesce(new.payout_ref, kept.payout_ref), **missing},
        where=sa.or_(
            new.payout_ref.is_not(None),
            sa.and_(col(kept.presented_amount).is_(None), new.presented_amount.is_not(None)),
        ),
    )


def _postings(ctx: TransactionContext, movements: Iterable[Movement]) -> Iterable[Posting]:
    """Fees; and payouts that came back: their money is at the gateway again, and the next payout takes it along."""
    for movement in movements:
        on, currency = ctx.site.today(movement.at), movement.currency
        # a movement of this category has its cost in `amount`, below zero
        fee = movement.fee - movement.amount if movement.category == FEE else movement.fee
        if fee:
            lines = {Account.GATEWAY_FEES: fee, Account.GATEWAY: -fee}
            yield Posting("gateway_fee", movement.ref, ctx.at, on, lines, currency=currency)
        if movement.category == RETURNED and movement.amount:
            lines = {Account.GATEWAY: movement.amount, Account.BANK: -movement.amount}
            yield Posting("payout_returned", movement.ref, ctx.at, on, lines, currency=currency)


class PayoutOutcome(StrEnum):
    """Whether a payout was kept."""

    ABSENT = "no such payout"
    KEPT = "payout kept"


def keep_payout(
    database: Database, gateway: Gateway, site: Site, payout_ref: str, at: datetime
) -> PayoutOutcome:
    """Keep a payout with all that it pays out, where the acquirer lists that, and book it. Safe to repeat. Raises Unavailable."""
    payout = gateway.books.payout(payout_ref)
    if isinstance(payout, NoSuchObject):
        return PayoutOutcome.ABSENT
    if isinstance(payout, Unknown):
        raise Unavailable(payout.reason)
    listed = payout.listing is PayoutListing.LISTED
    inside = gateway.books.movements_in(payout_ref) if listed else NotListed()
    if isinstance(inside, Unknown):
        raise Unavailable(inside.reason)
    # A list may lag for so long. Later the payout is kept as it is, and the comparison reports what doesn't add up.
    if at - payout.at < LISTED_WITHIN and not _adds_up(payout, inside):
        raise Unavailable("The acquirer doesn't list all yet that this payout pays out.")
    with database.begin(site, at, WORKER) as ctx:
        _keep_payout_row(ctx, gateway.name, payout, inside)
        if not isinstance(inside, NotListed):
            keep_movements(ctx, gateway.name, inside, payout_ref=payout_ref)
        if payout.amount:
            lines = {Account.BANK: payout.amount, Account.GATEWAY: -payout.amount}
            posting = Posting(
                "payout", payout_ref, at, site.today(payout.at), lines, currency=payout.currency
            )
            post(ctx.session, posting)
    return PayoutOutcome.KEPT


def _adds_up(payout: PayoutAnswer, inside: list[Movement] | NotListed) -> bool:
    if isinstance(inside, NotListed):
        return True
    # the list holds the payout itself, below zero
    return sum(row.net for row in inside if row.source_ref != payout.payout_ref) == payout.amount


def _keep_payout_row(
    ctx: TransactionContext, acquirer: str, payout: PayoutAnswer, inside: list[Movement] | NotListed
) -> None:
    refused = payout.listing is PayoutListing.LISTED and isinstance(inside, NotListed)
    listing = PayoutListing.NONE if refused else payout.listing
    row = insert(Payout).values(
        acquirer=acquirer,
        ref=payout.payout_ref,
        amount=payout.amount,
        currency=payout.currency,
        at=payout.at,
        arrives_at=payout.arrives_at,
        listing=listing,
        seen_at=ctx.at,
        bank_reference=payout.bank_reference,
        reference_is_pending=payout.reference_is_pending,
        short=0,
    )
    finished = row.on_conflict_do_update(
        index_elements=["acquirer", "ref"],
        set_={"listing": listing, "seen_at": ctx.at},
        where=col(Payout.listing) == PayoutListing.WAITING,
    )
    ctx.session.execute(finished)


def learn_reference(database: Database, gateway: Gateway, site: Site, payout_ref: str, at: datetime) -> None:
    """Ask again for the bank's reference of a payout. Raises Unavailable."""
    payout = gateway.books.payout(payout_ref)
    if isinstance(payout, Unknown):
        raise Unavailable(payout.reason)
    if isinstance(payout, NoSuchObject) or payout.reference_is_pending:
        return
    known = {"bank_reference": payout.bank_reference, "reference_is_pending": False}
    with database.begin(site, at, WORKER) as ctx:
        where = sa.and_(col(Payout.acquirer) == gateway.name, col(Payout.ref) == payout_ref)
        ctx.session.execute(sa.update(Payout).where(where).values(**known))
