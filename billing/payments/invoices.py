"""Draw up what is owed for a period, once; mark it paid, with its number, or void."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlmodel import Session, select

from billing.payments import numbers
from billing.payments.models import Invoice, InvoiceState, Payment
from billing.platform import bulk, ids
from billing.platform.context import TransactionContext
from billing.rules import tax
from billing.rules.money import Money
from billing.rules.periods import Period
from billing.subscriptions.models import Plan, Price, Subscription


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a locked subscription is to be invoiced for."""

    subscription: Subscription
    plan: Plan
    price: Price
    period: Period


@dataclass(frozen=True, slots=True)
class Drawn:
    """An invoice, with the number of its period and the cents that are asked for."""

    id: str
    period_number: int
    gross: int


def draw_up(ctx: TransactionContext, wanted: Sequence[Wanted], *, today: date) -> list[Drawn]:
    """The invoice for each period: the one there is, or a new one; an older one that is still open is void, because its
    period was given away. VAT is split at today's rate (VAT-1).

    Until it is paid it follows the calendar: a trial that was extended after a charge which never arrived has its first
    period on other days."""
    _void_others(ctx.session, wanted)
    rows = [_row(one, tax.split(_price(one), tax.rate_on(today)), ctx.at) for one in wanted]
    new = bulk.insert(ctx.session, Invoice, rows, unless="subscription_id, period_number")
    return [
        Drawn(row["id"], row["period_number"], row["gross"])
        if row["id"] in new
        else drawn(_known(ctx.session, one, today))
        for one, row in zip(wanted, rows, strict=True)
    ]


def _void_others(session: Session, wanted: Sequence[Wanted]) -> None:
    """A subscription owes one period at most (`one_open_invoice`)."""
    numbers_of = {one.subscription.id: one.period.number for one in wanted}
    of_these = bulk.one_of(Invoice.subscription_id, numbers_of)
    for invoice in session.exec(select(Invoice).where(of_these, Invoice.state == InvoiceState.OPEN)):
        if invoice.period_number != numbers_of[invoice.subscription_id]:
            mark_void(session, invoice)


def _price(one: Wanted) -> Money:
    return Money(one.price.amount, one.price.currency)


def _row(one: Wanted, split: tax.VatSplit, at: datetime) -> dict[str, Any]:
    return {
        "id": ids.derived("inv", one.subscription.id, one.period.number),
        "subscription_id": one.subscription.id,
        "reader_id": one.subscription.reader_id,
        "state": InvoiceState.OPEN,
        "period_number": one.period.number,
        "period_start_on": one.period.start_on,
        "period_end_on": one.period.end_on,
        "description": f"{one.plan.name}, one {one.plan.period_label}",
        "gross": split.gross.amount,
        "net": split.net.amount,
        "vat": split.vat.amount,
        "vat_basis_points": split.rate.basis_points,
        "currency": one.price.currency,
        "created_at": at,
    }


def drawn(invoice: Invoice) -> Drawn:
    """An invoice that there is, as what is charged for."""
    return Drawn(invoice.id, invoice.period_number, invoice.gross)


def _known(session: Session, one: Wanted, today: date) -> Invoice:
    found = session.exec(
        select(Invoice).where(
            Invoice.subscription_id == one.subscription.id, Invoice.period_number == one.period.number
        )
    ).one()
    return _follow(session, found, one.period, tax.split(_price(one), tax.rate_on(today)))


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


def mark_paid(session: Session, paid: Sequence[tuple[Invoice, datetime, date]]) -> None:
    """The money came: each is a tax invoice from now on, paid at that moment and dated that day, with the next number."""
    first = numbers.next_numbers(session, numbers.INVOICES, len(paid)) if paid else 0
    bulk.update(
        session,
        [
            (invoice, {"state": InvoiceState.PAID, "paid_at": at, "issued_on": on, "number": number})
            for number, (invoice, at, on) in enumerate(paid, first)
        ],
    )


def mark_void(session: Session, invoice: Invoice) -> None:
    """The money won't be asked for any more."""
    invoice.state = InvoiceState.VOID
    session.add(invoice)


def basis_points(payment: Payment, invoice: Invoice) -> int:
    """The rate of VAT in a payment: its invoice's; none for money that came twice, because nothing was supplied for it."""
    return 0 if payment.duplicate else invoice.vat_basis_points


def percent(basis_points: int) -> str:
    """A VAT rate in words: 1500 is "15"."""
    return f"{basis_points / 100:g}"
