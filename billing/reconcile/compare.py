"""Compare our books with the mirror of an acquirer's: charges, refunds and disputes of a span, each by its reference."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import ColumnElement
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Session, col, func, select

from billing.payments.balance_models import BalanceMovement
from billing.payments.dispute_models import Dispute
from billing.payments.models import Payment
from billing.payments.refund_models import Refund, RefundState
from billing.payments.unexplained_models import UnexplainedCharge
from billing.rules.reconciliation import BY_ITSELF, MOVED_BY, Pair, Theirs, Thing, pairs

Refs = dict[Thing, set[str]]


@dataclass(frozen=True, slots=True)
class ComparedSpan:
    """From an instant until just before another."""

    start: datetime
    end: datetime

    def holds(self, column: Any) -> ColumnElement[bool]:
        """The condition that a column's instant lies in the span."""
        return sa.and_(col(column) >= self.start, col(column) < self.end)


def touched(session: Session, acquirer: str, span: ComparedSpan) -> Refs:
    """References of everything that either book dates in the span."""
    found: Refs = {thing: set() for thing in Thing}
    rows = session.exec(
        select(BalanceMovement.category, BalanceMovement.source_ref).where(
            BalanceMovement.acquirer == acquirer, span.holds(BalanceMovement.at)
        )
    )
    for category, ref in rows:
        if category in MOVED_BY and ref is not None:
            found[MOVED_BY[category]].add(ref)
    paid = select(Payment.charge_ref).where(Payment.acquirer == acquirer, span.holds(Payment.paid_at))
    found[Thing.CHARGE] |= set(session.exec(paid))
    sent = select(Refund.gateway_ref).where(
        Refund.acquirer == acquirer,
        sa.or_(span.holds(Refund.created_at), span.holds(Refund.settled_at)),
        # the acquirer holds it until our balance is enough: nothing moves
        col(Refund.awaiting_balance_since).is_(None),
    )
    found[Thing.REFUND] |= {ref for ref in session.exec(sent) if ref is not None}
    opened = select(Dispute.gateway_ref).where(
        Dispute.acquirer == acquirer, sa.or_(span.holds(Dispute.opened_at), span.holds(Dispute.decided_at))
    )
    found[Thing.DISPUTE] |= set(session.exec(opened))
    return found


def side_by_side(session: Session, acquirer: str, refs: Refs) -> list[Pair]:
    """What both books say of these things, over all time: a refund may come back days later."""
    ours = {Thing.CHARGE: _payments, Thing.REFUND: _refunds, Thing.DISPUTE: _disputes}
    found: list[Pair] = []
    for thing, of_thing in refs.items():
        among = sorted(of_thing)
        found += pairs(thing, ours[thing](session, acquirer, among), _theirs(session, acquirer, thing, among))
    return found


def _among(column: Any, refs: list[str]) -> ColumnElement[bool]:
    """One array, not a parameter for each: a day may hold a hundred thousand."""
    return col(column) == sa.any_(sa.literal(refs, sa.ARRAY(sa.String)))


def _theirs(session: Session, acquirer: str, thing: Thing, refs: list[str]) -> dict[str, Theirs]:
    """In the currency that the reader pays in, even where the account settles in another."""
    categories = [category for category, moved in MOVED_BY.items() if moved is thing]
    amount = func.coalesce(BalanceMovement.presented_amount, BalanceMovement.amount)
    currency = func.coalesce(BalanceMovement.presented_currency, BalanceMovement.currency)
    rows = session.exec(
        select(BalanceMovement.source_ref, func.sum(amount), currency)
        .where(
            BalanceMovement.acquirer == acquirer,
            _among(BalanceMovement.source_ref, refs),
            col(BalanceMovement.category).in_(categories),
        )
        .group_by(col(BalanceMovement.source_ref), currency)
    )
    return {str(ref): (int(moved), str(of)) for ref, moved, of in rows}


def _payments(session: Session, acquirer: str, refs: list[str]) -> dict[str, int]:
    """Unexplained charges count too: they are written down, and go back."""
    paid = session.exec(
        select(Payment.charge_ref, Payment.amount).where(
            Payment.acquirer == acquirer, _among(Payment.charge_ref, refs)
        )
    )
    lost = select(UnexplainedCharge.charge_ref, UnexplainedCharge.amount).where(
        UnexplainedCharge.acquirer == acquirer
    )
    # The payment wins: a charge that was taken in since has both rows until its refund is next looked at.
    return dict(session.exec(lost.where(_among(UnexplainedCharge.charge_ref, refs))).all()) | dict(paid.all())


def _refunds(session: Session, acquirer: str, refs: list[str]) -> dict[str, int]:
    rows = session.exec(select(Refund).where(Refund.acquirer == acquirer, _among(Refund.gateway_ref, refs)))
    went = (RefundState.PENDING, RefundState.SUCCEEDED)
    sent = {str(row.gateway_ref): -row.amount if row.state in went else 0 for row in rows}
    debts = select(Refund.paid_back_ref, Refund.amount).where(
        Refund.acquirer == acquirer, _among(Refund.paid_back_ref, refs), col(Refund.paid_back_by_card)
    )
    paid_back = {str(ref): -amount for ref, amount in session.exec(debts)}
    return _given_back(session, acquirer, refs) | sent | paid_back


def _given_back(session: Session, acquirer: str, refs: list[str]) -> dict[str, int]:
    """Refunds of unexplained charges. While our balance is too low for one, nothing moves."""
    rows = session.exec(
        select(UnexplainedCharge).where(
            UnexplainedCharge.acquirer == acquirer,
            sa.or_(
                _among(UnexplainedCharge.refund_ref, refs),
                sa.cast(refs, ARRAY(sa.Text)).overlap(col(UnexplainedCharge.failed_refs)),
            ),
        )
    ).all()
    moved = {ref: 0 for row in rows for ref in row.failed_refs} | {
        str(row.refund_ref): 0 if row.awaiting_balance_since else -row.amount
        for row in rows
        if row.refund_ref
    }
    return {ref: amount for ref, amount in moved.items() if ref in refs}


def _disputes(session: Session, acquirer: str, refs: list[str]) -> dict[str, int]:
    rows = session.exec(
        select(Dispute).where(Dispute.acquirer == acquirer, _among(Dispute.gateway_ref, refs))
    )
    return {row.gateway_ref: -row.amount if row.takes else 0 for row in rows}


def unexpected(session: Session, acquirer: str, span: ComparedSpan) -> list[BalanceMovement]:
    """Movements of our balance for a reason that we don't know."""
    rows = session.exec(
        select(BalanceMovement)
        .where(
            BalanceMovement.acquirer == acquirer,
            span.holds(BalanceMovement.at),
            col(BalanceMovement.category).not_in([*MOVED_BY, *BY_ITSELF]),
        )
        .order_by(col(BalanceMovement.at), col(BalanceMovement.ref))
    )
    return [row for row in rows if row.net != 0]
