"""VAT returns: staff close the books of a tax period when its return is filed, and reopen them to correct it, with a line each."""

from datetime import date

from billing.ledger import closing
from billing.platform.context import TransactionContext
from billing.reports import books
from billing.rules.vat_periods import VatPeriod
from billing.staff import audit
from billing.staff.audit import Change


def close(ctx: TransactionContext, period: VatPeriod, *, reference: str) -> None:
    """Close the period, with the VAT that the books have for it. Raises NoReturnReference, PeriodNotOver, PeriodClosed."""
    # here too, though `closing.close` does it: a posting between the sum and there would be in no return
    closing.hold_postings(ctx.session)
    payable = sum(line.vat for line in books.vat(ctx.session, period.first, period.last))
    closed = closing.close(ctx, period.first, period.last, reference=reference, payable=payable)
    audit.write(
        ctx,
        "close_vat_period",
        subject=period.last.isoformat(),
        after={"first": period.first.isoformat(), "reference": closed.reference, "payable_cents": payable},
    )


def reopen(ctx: TransactionContext, last: date, *, reason: str) -> None:
    """Reopen the period that was closed last. Raises NeedsReason, NotTheLastClosed."""

    def do() -> Change:
        row = closing.reopen(ctx, last)
        return {"reference": row.reference, "payable_cents": row.payable}, {}

    audit.reasoned(ctx, "reopen_vat_period", reason, do, subject=last.isoformat())
