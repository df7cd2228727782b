"""Draw up what is owed for a period, once; mark it paid, with its number, or void."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlmodel import Session, select

from billing.payments import invoice_recipients, numbers, vat_rates
from billing.payments.models import Invoice, InvoiceState, Payment
from billing.platform import bulk, ids
from billing.platform.context import TransactionContext
from billing.rules import tax
from billing.rules.periods import Period
from billing.rules.tax import VatRate
from billing.subscriptions.models import Plan, Price, Subscription
from emails.languages import Text, named, say

_ONE = ", one "
_FOLLOWING = (
    "state",
    "plan_id",
    "description",
    "period_start_on",
    "period_end_on",
    "gross",
    "net",
    "vat",
    "vat_basis_points",
)
"""Columns of an invoice that follow the calendar and the price until it is paid."""


@dataclass(frozen=True, slots=True)
class InvoiceRequest:
    """A period to be invoiced to a locked subscription."""

    subscription: Subscription
    plan: Plan
    price: Price
    period: Period


@dataclass(frozen=True, slots=True)
class DrawnInvoice:
    """An invoice, the number of its period, and the cents to charge."""

    id: str
    period_number: int
    gross: int


def draw_up(ctx: TransactionContext, wanted: Sequence[InvoiceRequest], *, today: date) -> list[DrawnInvoice]:
    """The invoice for each period: the existing one, or a new request. An older open one becomes void: its period was given away.
    VAT is split at today's rate (VAT-1), which a later payment keeps: the period fell due today.

    An unpaid invoice follows the calendar: a trial that was extended after a charge which never arrived has its first period on
    other days."""
    if not wanted:
        return []
    # before the insert, which `one_open_invoice` would otherwise refuse
    _void_others(ctx.session, wanted)
    rate = vat_rates.rate_on(ctx.session, today)
    rows = [_row(request, rate, ctx.at) for request in wanted]
    new = bulk.insert(ctx.session, Invoice, rows, unless="subscription_id, period_number")
    return [
        DrawnInvoice(row["id"], row["period_number"], row["gross"])
        if row["id"] in new
        else drawn(_follow_calendar(ctx.session, row))
        for row in rows
    ]


def _void_others(session: Session, wanted: Sequence[InvoiceRequest]) -> None:
    """A subscription owes one period at most (`one_open_invoice`)."""
    numbers_of = {request.subscription.id: request.period.number for request in wanted}
    of_these = bulk.one_of(Invoice.subscription_id, numbers_of)
    for invoice in session.exec(select(Invoice).where(of_these, Invoice.state == InvoiceState.OPEN)):
        if invoice.period_number != numbers_of[invoice.subscription_id]:
            mark_void(session, invoice)


def _row(request: InvoiceRequest, rate: VatRate, at: datetime) -> dict[str, Any]:
    split = tax.split(request.price.money, rate)
    return {
        "id": ids.derived("inv", request.subscription.id, request.period.number),
        "subscription_id": request.subscription.id,
        "plan_id": request.plan.id,
        "reader_id": request.subscription.reader_id,
        "state": InvoiceState.OPEN,
        "period_number": request.period.number,
        "period_start_on": request.period.start_on,
        "period_end_on": request.period.end_on,
        "description": f"{request.plan.name}{_ONE}{request.plan.period_label}",
        "gross": split.gross.amount,
        "net": split.net.amount,
        "vat": split.vat.amount,
        "vat_basis_points": split.rate.basis_points,
        "currency": request.price.currency,
        "created_at": at,
    }


def described(description: str) -> Text:
    """An invoice's description for its reader: the plan's name as the publisher wrote it, and its period in words."""
    # from the right: a plan's name may hold the same words
    plan, one, period = description.rpartition(_ONE)
    if not one:
        return named("description", description)
    return say("%(plan)s, one %(period)s", plan=plan, period=named("period", period))


def drawn(invoice: Invoice) -> DrawnInvoice:
    """An existing invoice, to be charged."""
    return DrawnInvoice(invoice.id, invoice.period_number, invoice.gross)


def _follow_calendar(session: Session, row: dict[str, Any]) -> Invoice:
    found = select(Invoice).where(
        Invoice.subscription_id == row["subscription_id"], Invoice.period_number == row["period_number"]
    )
    invoice = session.exec(found).one()
    if invoice.state is not InvoiceState.PAID:
        for name in _FOLLOWING:
            setattr(invoice, name, row[name])
    return invoice


def open_invoice(session: Session, subscription_id: str) -> Invoice | None:
    """The subscription's open invoice."""
    return session.exec(
        select(Invoice).where(Invoice.subscription_id == subscription_id, Invoice.state == InvoiceState.OPEN)
    ).first()


def mark_paid(session: Session, paid: Sequence[tuple[Invoice, datetime, date]]) -> None:
    """Make each a tax invoice with the next number, paid at that moment, dated that day, with its reader's invoice details."""
    if not paid:
        return
    recipients = invoice_recipients.versions_of(session, {invoice.reader_id for invoice, _, _ in paid})
    first = numbers.next_numbers(session, numbers.INVOICES, len(paid))
    bulk.update(
        session,
        [
            (
                invoice,
                {
                    "state": InvoiceState.PAID,
                    "paid_at": at,
                    "issued_on": on,
                    "number": number,
                    "recipient_id": recipients.get(invoice.reader_id),
                },
            )
            for number, (invoice, at, on) in enumerate(paid, first)
        ],
    )


def mark_void(session: Session, invoice: Invoice) -> None:
    """The money won't be charged any more."""
    invoice.state = InvoiceState.VOID
    session.add(invoice)


def basis_points(payment: Payment, invoice: Invoice) -> int:
    """The rate of VAT in a payment: its invoice's, or 0 for a duplicate, for which nothing was supplied."""
    return 0 if payment.duplicate else invoice.vat_basis_points


def percent(basis_points: int) -> str:
    """A VAT rate in words: 1500 is "15"."""
    return f"{basis_points / 100:g}"
