"""The rates of VAT, by their first days. Staff and commands add those to come; an invoice keeps the rate that it was drawn up with."""

from datetime import date, timedelta

from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, select

from billing.payments.vat_models import StoredVatRate
from billing.platform.context import TransactionContext
from billing.platform.db import lock_row
from billing.platform.errors import Conflict, Invalid, NotFound
from billing.rules import tax
from billing.rules.tax import VatRate


class PastVatRate(Invalid):
    """A rate of VAT begins tomorrow or later. What is charged today may have its tax invoice already, and no invoice changes its rate."""

    code = "past_vat_rate"


class VatRateExists(Conflict):
    """Another rate of VAT begins on that day already. Withdraw it first, then add this one."""

    code = "vat_rate_exists"


class SameVatRate(Conflict):
    """That is the rate of VAT on the day before, too, so nothing would change."""

    code = "same_vat_rate"


class UnknownVatRate(NotFound):
    """No rate of VAT begins on that day."""

    code = "unknown_vat_rate"


class VatRateHasBegun(Conflict):
    """A rate of VAT can be withdrawn until the day before it begins. This one has begun, and tax invoices name it. Add the next one instead."""

    code = "vat_rate_has_begun"


def rates(session: Session) -> tuple[VatRate, ...]:
    """Every rate, the oldest first."""
    return tuple(row.rate for row in session.exec(select(StoredVatRate).order_by(col(StoredVatRate.from_on))))


def rate_on(session: Session, on: date) -> VatRate:
    """The rate for a supply dated `on`. One statement. Raises NoRate before the first (VAT-1)."""
    return tax.rate_on(on, rates(session))


def add_rate(ctx: TransactionContext, rate: VatRate) -> None:
    """Charge this rate from its first day on, until the next one begins. Prices include VAT, so they stay.

    Raises PastVatRate, SameVatRate, VatRateExists."""
    if tax.has_begun(rate, ctx.today):
        raise PastVatRate
    if rate_on(ctx.session, rate.from_on - timedelta(days=1)).basis_points == rate.basis_points:
        raise SameVatRate
    row = insert(StoredVatRate).values(from_on=rate.from_on, basis_points=rate.basis_points, added_at=ctx.at)
    added = row.on_conflict_do_nothing().returning(col(StoredVatRate.from_on))
    if ctx.session.execute(added).first() is None:
        raise VatRateExists


def withdraw_rate(ctx: TransactionContext, from_on: date) -> VatRate:
    """Take back a rate that hasn't begun; the one before it goes on. Returns it. Raises UnknownVatRate, VatRateHasBegun."""
    row = lock_row(ctx.session, StoredVatRate, from_on)
    if row is None:
        raise UnknownVatRate
    rate = row.rate
    if tax.has_begun(rate, ctx.today):
        raise VatRateHasBegun
    ctx.session.delete(row)
    ctx.session.flush()
    return rate
