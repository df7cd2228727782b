"""Keep what an acquirer's books say: each movement once, its fee in the ledger, payouts with what they pay out."""

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
from billing.ledger import post
from billing.ledger.models import Account
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


def keep(
    ctx: TransactionContext, acquirer: str, movements: list[Movement], *, payout_ref: str | None = None
) -> int:
    """Keep movements, and book their fees and payouts that came back; how many were new. `payout_ref` says in which payout they are. Safe to repeat."""
    new = 0
    for first in range(0, len(movements), _AT_ONCE):
        batch = movements[first : first + _AT_ONCE]
        rows = insert(BalanceMovement).values(
            [asdict(one) | {"acquirer": acquirer, "payout_ref": payout_ref} for one in batch]
        )
        written = ctx.session.execute(_once(rows).returning(col(BalanceMovement.ref), sa.text("xmax = 0")))
        new += sum(bool(inserted) for _, inserted in written)
        post.post_many(ctx.session, [*_fees(ctx.site, batch, ctx.at), *_returned(ctx.site, batch, ctx.at)])
        disputes = (
            one.source_ref for one in batch if one.category in currency_conversion.DISPUTES and one.source_ref
        )
        currency_conversion.present_disputes(ctx, acquirer, disputes)
        currency_conversion.book(ctx, acquirer, batch)
    return new


def _once(rows: Insert) -> Insert:
    """A movement stays as it was first kept; what was not known of it then is filled in."""
    kept, said = BalanceMovement, rows.excluded
    missing = {
        name: sa.func.coalesce(getattr(kept, name), said[name])
        for name in ("presented_amount", "presented_currency", "charge_ref")
    }
    return rows.on_conflict_do_update(
        index_elements=["acquirer", "ref"],
        set_={"payout_ref": sa.func.coalesce(said.payout_ref, kept.payout_ref), **missing},
        where=sa.or_(
            said.payout_ref.is_not(None),
            sa.and_(col(kept.presented_amount).is_(None), said.presented_amount.is_not(None)),
        ),
    )


def _fees(site: Site, movements: Iterable[Movement], at: datetime) -> Iterable[post.Posting]:
    for one in movements:
        cost = one.fee - one.amount if one.category == FEE else one.fee
        if cost:
            lines = {Account.GATEWAY_FEES: cost, Account.GATEWAY: -cost}
            on = site.today(one.at)
            yield post.Posting("gateway_fee", one.ref, at, on, lines, currency=one.currency)


def _returned(site: Site, movements: Iterable[Movement], at: datetime) -> Iterable[post.Posting]:
    """Money that went to the bank is at the gateway again; the next payout takes it along."""
    for one in movements:
        if one.category == RETURNED and one.amount:
            lines = {Account.GATEWAY: one.amount, Account.BANK: -one.amount}
            on = site.today(one.at)
            yield post.Posting("payout_returned", one.ref, at, on, lines, currency=one.currency)


class PayoutOutcome(StrEnum):
    """Whether a payout was kept."""

    ABSENT = "no such payout"
    KEPT = "payout kept"


def keep_payout(
    database: Database, gateway: Gateway, site: Site, payout_ref: str, at: datetime
) -> PayoutOutcome:
    """Keep a payout with all that it pays out, where the acquirer lists that, and book it. Safe to repeat. Raises Unavailable."""
    books = gateway.books
    payout = books.payout(payout_ref)
    if isinstance(payout, NoSuchObject):
        return PayoutOutcome.ABSENT
    if isinstance(payout, Unknown):
        raise Unavailable(payout.reason)
    inside = books.movements_in(payout_ref) if payout.listing is PayoutListing.LISTED else NotListed()
    if isinstance(inside, Unknown):
        raise Unavailable(inside.reason)
    if at - payout.at < LISTED_WITHIN and not _adds_up(payout, inside):
        raise Unavailable("The acquirer doesn't list all yet that this payout pays out.")
    with database.begin(site, at, WORKER) as ctx:
        _keep_payout_row(ctx, gateway.name, payout, inside)
        if not isinstance(inside, NotListed):
            keep(ctx, gateway.name, inside, payout_ref=payout_ref)
        if payout.amount:
            lines = {Account.BANK: payout.amount, Account.GATEWAY: -payout.amount}
            on, currency = site.today(payout.at), payout.currency
            post.post(
                ctx.session, kind="payout", source_id=payout_ref, at=at, on=on, lines=lines, currency=currency
            )
    return PayoutOutcome.KEPT


def _adds_up(payout: PayoutAnswer, inside: list[Movement] | NotListed) -> bool:
    if isinstance(inside, NotListed):
        return True
    return sum(one.net for one in inside if one.source_ref != payout.payout_ref) == payout.amount


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
        short=0,
    )
    finished = row.on_conflict_do_update(
        index_elements=["acquirer", "ref"],
        set_={"listing": listing, "seen_at": ctx.at},
        where=col(Payout.listing) == PayoutListing.WAITING,
    )
    ctx.session.execute(finished)
