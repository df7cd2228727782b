"""Draw up what is owed for a period, once; mark it paid, with its number, or void."""

from datetime import date, datetime

from sqlmodel import Session, select

from billing import ids
from billing.payments import numbers
from billing.payments.models import Invoice, InvoiceState
from billing.rules import tax
from billing.rules.money import Money
from billing.rules.periods import Period
from billing.subscriptions.models import Plan, Price, Subscription


def draw_up(
    session: Session,
    subscription: Subscription,
    plan: Plan,
    price: Price,
    period: Period,
    *,
    at: datetime,
    today: date,
) -> Invoice:
    """The invoice for a period of a locked subscription: the one there is, or a new one. VAT is split at today's rate (VAT-1).

    Until it is paid it follows the calendar: a trial that was extended after a charge which never arrived has its first
    period on other days."""
    found = session.exec(
        select(Invoice).where(
            Invoice.subscription_id == subscription.id, Invoice.period_number == period.number
        )
    ).first()
    split = tax.split(Money(price.amount, price.currency), tax.rate_on(today))
    if found is not None:
        return _follow(session, found, period, split)
    invoice = Invoice(
        id=ids.new("inv", at),
        subscription_id=subscription.id,
        reader_id=subscription.reader_id,
        state=InvoiceState.OPEN,
        period_number=period.number,
        period_start_on=period.start_on,
        period_end_on=period.end_on,
        description=f"{plan.name}, one {'year' if plan.months == 12 else 'month'}",
        gross=split.gross.amount,
        net=split.net.amount,
        vat=split.vat.amount,
        vat_basis_points=split.rate.basis_points,
        currency=price.currency,
        created_at=at,
    )
    session.add(invoice)
    session.flush()
    return invoice


def _follow(session: Session, invoice: Invoice, period: Period, split: tax.VatSplit) -> Invoice:
    if invoice.state is not InvoiceState.PAID:
        invoice.state = InvoiceState.OPEN
        invoice.period_start_on, invoice.period_end_on = period.start_on, period.end_on
        invoice.gross, invoice.net, invoice.vat = split.gross.amount, split.net.amount, split.vat.amount
        invoice.vat_basis_points = split.rate.basis_points
        session.add(invoice)
    return invoice


def open_invoice(session: Session, subscription_id: str) -> Invoice | None:
    """The invoice that is still owed."""
    return session.exec(
        select(Invoice).where(Invoice.subscription_id == subscription_id, Invoice.state == InvoiceState.OPEN)
    ).first()


def mark_paid(session: Session, invoice: Invoice, *, at: datetime, on: date) -> None:
    """The money came: the invoice is a tax invoice from now on, dated `on`, with the next number."""
    invoice.number = numbers.take(session, numbers.INVOICES)
    invoice.state, invoice.paid_at, invoice.issued_on = InvoiceState.PAID, at, on
    session.add(invoice)


def mark_void(session: Session, invoice: Invoice) -> None:
    """The money won't be asked for any more."""
    invoice.state = InvoiceState.VOID
    session.add(invoice)


def percent(basis_points: int) -> str:
    """A VAT rate in words: 1500 is "15"."""
    return f"{basis_points / 100:g}"
