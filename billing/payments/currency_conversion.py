"""Book what an acquirer converts into the currency that it settles in (STR-2).

What readers pay is booked in their currency. When its movement is seen, it leaves the gateway's account in that currency and
comes into the one in the other, both against `conversion`: two postings, each of which sums to zero."""

from collections.abc import Iterable, Sequence

from sqlmodel import Session, col, func, select

from billing.acquirer.balance_port import Movement
from billing.ledger.models import Account
from billing.ledger.post import Posting, post_many, posted
from billing.payments.balance_models import BalanceMovement
from billing.payments.dispute_models import Dispute
from billing.payments.models import Payment
from billing.platform import bulk
from billing.platform.context import TransactionContext
from billing.rules.money import BASE_CURRENCY
from billing.rules.reconciliation import at_the_rate_of

CONVERTED, SETTLED = "converted", "settled"
DISPUTES = ("dispute", "dispute_reversal")
_Moved = Movement | BalanceMovement


def book_conversions(ctx: TransactionContext, acquirer: str, movements: Sequence[_Moved]) -> None:
    """Book those that were converted, once. Their charges are kept already, or among them. A dispute in another currency than
    its charge's waits for `present_disputes`. Safe to repeat."""
    converted = [movement for movement in movements if _is_presented(movement)]
    if not converted:
        return
    known = posted(ctx.session, SETTLED, (movement.ref for movement in converted))
    new = [movement for movement in converted if movement.ref not in known]
    if new:
        charges = _by_charge(ctx.session, acquirer, {moved.charge_ref for moved in new if moved.charge_ref})
        post_many(
            ctx.session,
            [row for moved in new for row in _postings(ctx, moved, charges.get(moved.charge_ref or ""))],
        )


def _is_presented(movement: _Moved) -> bool:
    if movement.presented_amount is None or movement.presented_currency is None:
        return False
    return movement.category not in DISPUTES or movement.presented_currency == BASE_CURRENCY


def present_disputes(ctx: TransactionContext, acquirer: str, refs: Iterable[str]) -> None:
    """Note how much of their charges these disputes moved, in the charge's currency, where the acquirer doesn't say so: it names
    the sum in another currency, or moves more of the charge's own than was paid. Of several withdrawals the largest stands for
    the charge, and the rate explains the others. Disputes without a row are left for when they have one. Safe to repeat."""
    refs = set(refs)
    if not refs:
        return
    ours = ctx.session.exec(
        select(Dispute, Payment)
        .join(Payment, col(Payment.id) == Dispute.payment_id)
        .where(bulk.one_of(Dispute.gateway_ref, refs), Dispute.acquirer == acquirer)
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
    stated = [_stated(row) for row in rows]
    alike = {currency for _, currency in stated} == {payment.currency}
    converted = any(row.currency != payment.currency or row.exchange_rate is not None for row in rows)
    if not converted or (alike and abs(sum(amount for amount, _ in stated)) == dispute.amount):
        return
    for number, row in enumerate(rows):
        amount = 0 if number else dispute.amount if row.amount >= 0 else -dispute.amount
        row.presented_amount, row.presented_currency = amount, payment.currency
        row.charge_ref = payment.charge_ref
    ctx.session.flush()
    book_conversions(ctx, dispute.acquirer, rows)


def _stated(row: BalanceMovement) -> tuple[int, str]:
    if row.presented_amount is None or row.presented_currency is None:
        return row.amount, row.currency
    return row.presented_amount, row.presented_currency


def of_charge(session: Session, acquirer: str, charge_ref: str) -> BalanceMovement | None:
    """What a charge brought in, where that was converted and is kept."""
    return _by_charge(session, acquirer, {charge_ref}).get(charge_ref)


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


def _postings(ctx: TransactionContext, moved: _Moved, charge: BalanceMovement | None) -> Iterable[Posting]:
    """What a refund or a dispute takes is set beside what the same part of its charge had brought in; the rate explains the
    rest."""
    presented, on = moved.presented_amount or 0, ctx.site.today(moved.at)
    currency = moved.presented_currency or moved.currency
    if presented:
        given = {Account.CONVERSION: presented, Account.GATEWAY: -presented}
        yield Posting(CONVERTED, moved.ref, ctx.at, on, given, currency=currency)
    got_for = _worth(moved, charge, presented, currency)
    got = {
        Account.GATEWAY: moved.amount,
        Account.CONVERSION: -got_for,
        Account.EXCHANGE_DIFFERENCES: got_for - moved.amount,
    }
    if any(got.values()):
        yield Posting(SETTLED, moved.ref, ctx.at, on, got, currency=moved.currency)


def _worth(moved: _Moved, charge: BalanceMovement | None, presented: int, currency: str) -> int:
    """What a movement would have settled for at the rate of its charge; without a charge, all of it."""
    if moved.currency == currency:
        return presented
    if charge is not None and charge.currency == moved.currency and charge.presented_amount:
        return at_the_rate_of(charge.amount, charge.presented_amount, presented)
    return moved.amount if presented else 0
