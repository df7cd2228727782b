"""Changes of the rate of VAT, by staff and by commands, with their reason in the audit."""

from datetime import date, timedelta
from typing import Any

from billing.payments import vat_rates
from billing.platform.context import TransactionContext
from billing.rules.tax import VatRate
from billing.staff import audit
from billing.staff.audit import Change


def add_rate(ctx: TransactionContext, rate: VatRate, *, reason: str) -> None:
    """Add a rate that begins tomorrow or later. Raises NeedsReason, PastVatRate, SameVatRate, VatRateExists."""

    def add() -> Change:
        vat_rates.add_rate(ctx, rate)
        return _in_words(vat_rates.rate_on(ctx.session, rate.from_on - timedelta(days=1))), _in_words(rate)

    audit.reasoned(ctx, "add_vat_rate", reason, add, subject=rate.from_on.isoformat())


def withdraw_rate(ctx: TransactionContext, from_on: date, *, reason: str) -> VatRate:
    """Take back a rate before it begins. Returns the one that goes on instead. Raises NeedsReason, UnknownVatRate, VatRateHasBegun."""

    def withdraw() -> Change:
        withdrawn = vat_rates.withdraw_rate(ctx, from_on)
        return _in_words(withdrawn), _in_words(vat_rates.rate_on(ctx.session, from_on))

    audit.reasoned(ctx, "withdraw_vat_rate", reason, withdraw, subject=from_on.isoformat())
    return vat_rates.rate_on(ctx.session, from_on)


def _in_words(rate: VatRate) -> dict[str, Any]:
    return {"vat_percent": rate.percent}
