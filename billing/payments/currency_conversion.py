"""What an acquirer changes into the currency it settles in, in the ledger (STR-2).

What readers pay is booked in their currency. When its movement is seen, it leaves the gateway's account in that currency and
comes into the one in the other, both against `conversion`: two postings, each of which sums to zero."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlmodel import Session, col, func, select

from billing.acquirer.balance_port import Movement
from billing.ledger import post
from billing.ledger.models import Account
from billing.payments.balance_models import BalanceMovement
from billing.payments.dispute_models import Dispute
from billing.payments.models import Payment
from billing.platform import bulk
from billing.platform.context import TransactionContext
from billing.platform.site import Site
from billing.rules.money import BASE_CURRENCY
from billing.rules.reconciliation import at_the_rate_of

CONVERTED, SETTLED = "converted", "settled"
DISPUTES = ("dispute", "dispute_reversal")
_Moved = Movement | BalanceMovement


def book(ctx: TransactionContext, acquirer: str, movements: Sequence[_Moved]) -> None:
    """Book those that were converted, once. The charges they belong to are kept already, or among them. A dispute in another
    currency than its charge's waits for `present_disputes`. Safe to repeat."""
    wanted = [one for one in movements if _is_presented(one)]
    known = post.posted(ctx.session, SETTLED, (one.ref for one in wanted)) if wanted else set()
    new = [one for one in wanted if one.ref not in known]
    if not new:
        return
    charges = _charges(ctx.session, acquirer, new)
    postings: list[post.Posting] = []
    for one in new:
        postings += _postings(ctx.site, one, charges.get(one.charge_ref or ""), ctx.at)
    post.post_many(ctx.session, postings)


def _is_presented(one: _Moved) -> bool:
    if one.presented_amount is None or one.presented_currency is None:
        return False
    return one.category not in DISPUTES or one.presented_currency == BASE_CURRENCY


def present_disputes(ctx: TransactionContext, acquirer: str, refs: Iterable[str]) -> None:
    """Say of what these disputes moved how much it is of their charges, in the charge's currency, where the acquirer's own words
    don't: it names the dispute's sum in another currency, or moves more of the charge's own than was paid. Of several
    withdrawals the largest stands for the charge, and the others are the rate's. Disputes that aren't written down yet are
    left for when they are. Safe to repeat."""
    wanted = set(refs)
    if not wanted:
        return
    ours = ctx.session.exec(
        select(Dispute, Payment)
        .join(Payment, col(Payment.id) == Dispute.payment_id)
        .where(bulk.one_of(Dispute.gateway_ref, wanted), Dispute.acquirer == acquirer)
    ).all()
    for dispute, payment in ours:
        for category in DISPUTES:
            _present(ctx, dispute, payment, category)


def _present(ctx: TransactionContext, dispute: Dispute, payment: Payment, category: str) -> None:
    rows = ctx.session.exec(
        select(BalanceMovement)
        .where(
            BalanceMovement.acquirer == dispute.acquirer,
            BalanceMovement.source_ref == dispute.gateway_ref,
            BalanceMovement.category == category,
        )
        .order_by(func.abs(BalanceMovement.amount).desc(), col(BalanceMovement.ref))
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()
    said = [_said(row) for row in rows]
    alike = {currency for _, currency in said} == {payment.currency}
    converted = any(row.currency != payment.currency or row.exchange_rate is not None for row in rows)
    if not converted or (alike and abs(sum(amount for amount, _ in said)) == dispute.amount):
        return
    for number, row in enumerate(rows):
        amount = 0 if number else dispute.amount if row.amount >= 0 else -dispute.amount
        row.presented_amount, row.presented_currency = amount, payment.currency
        row.charge_ref = payment.charge_ref
        ctx.session.add(row)
    ctx.session.flush()
    book(ctx, dispute.acquirer, rows)


def _said(row: BalanceMovement) -> tuple[int, str]:
    if row.presented_amount is None or row.presented_currency is None:
        return row.amount, row.currency
    return row.presented_amount, row.presented_currency


def of_charge(session: Session, acquirer: str, charge_ref: str) -> BalanceMovement | None:
    """What a charge brought in, where that was converted and is kept."""
    return _by_charge(session, acquirer, {charge_ref}).get(charge_ref)


def _charges(session: Session, acquirer: str, movements: Iterable[_Moved]) -> dict[str, BalanceMovement]:
    """The movements of their charges, by the charge."""
    return _by_charge(session, acquirer, {one.charge_ref for one in movements if one.charge_ref})


def _by_charge(session: Session, acquirer: str, refs: set[str]) -> dict[str, BalanceMovement]:
    rows = session.exec(
        select(BalanceMovement).where(
            BalanceMovement.acquirer == acquirer,
            bulk.one_of(BalanceMovement.source_ref, refs),
            BalanceMovement.category == "charge",
            col(BalanceMovement.presented_amount).is_not(None),
        )
    )
    return {str(row.source_ref): row for row in rows}


def _postings(
    site: Site, one: _Moved, charge: BalanceMovement | None, at: datetime
) -> Iterable[post.Posting]:
    """What a refund or a dispute takes is set beside what the same part of its charge had brought in; the rest is the rate's."""
    presented, on = one.presented_amount or 0, site.today(one.at)
    currency = one.presented_currency or one.currency
    if presented:
        given = {Account.CONVERSION: presented, Account.GATEWAY: -presented}
        yield post.Posting(CONVERTED, one.ref, at, on, given, currency=currency)
    got_for = _worth(one, charge, presented, currency)
    got = {
        Account.GATEWAY: one.amount,
        Account.CONVERSION: -got_for,
        Account.EXCHANGE_DIFFERENCES: got_for - one.amount,
    }
    if any(got.values()):
        yield post.Posting(SETTLED, one.ref, at, on, got, currency=one.currency)


def _worth(one: _Moved, charge: BalanceMovement | None, presented: int, currency: str) -> int:
    """What a movement would have settled for at the rate of its charge; for all that is known where there is none."""
    if one.currency == currency:
        return presented
    if charge is not None and charge.currency == one.currency and charge.presented_amount:
        return at_the_rate_of(charge.amount, charge.presented_amount, presented)
    return one.amount if presented else 0
