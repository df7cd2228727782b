"""Find charges by their day, their amount, or both: what a caller reads off a bank statement."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlmodel import col, select

from billing.payments.models import Invoice, Payment
from billing.platform.context import TransactionContext
from billing.readers.models import Reader
from billing.rules.money import Money
from billing.rules.periods import start_of_day
from billing.rules.search_terms import SearchTerms


@dataclass(frozen=True, slots=True)
class FoundPayment:
    """A charge and its reader; `number` is that of its tax invoice."""

    payment_id: str
    reader: Reader
    paid_at: datetime
    amount: Money
    number: int | None


def charges_of(
    ctx: TransactionContext, terms: SearchTerms, after: str, *, most: int
) -> tuple[list[FoundPayment], str | None]:
    """A page of charges, newest first, and the key of the next page. `after` is such a key; an unknown one begins anew."""
    if terms.day is None and terms.cents is None:
        return [], None
    query = (
        select(Payment, Reader, Invoice.number)
        .join(Reader, col(Reader.id) == Payment.reader_id)
        .join(Invoice, col(Invoice.id) == Payment.invoice_id)
        .order_by(col(Payment.paid_at).desc(), col(Payment.id).desc())
        .limit(most + 1)
    )
    if terms.cents is not None:
        query = query.where(Payment.amount == terms.cents)
    if terms.day is not None:
        zone = ctx.zone
        query = query.where(
            Payment.paid_at >= start_of_day(terms.day, zone),
            Payment.paid_at < start_of_day(terms.day + timedelta(days=1), zone),
        )
    last = ctx.session.get(Payment, after) if after else None
    if last is not None:
        key = sa.tuple_(col(Payment.paid_at), col(Payment.id))
        query = query.where(key < sa.tuple_(sa.literal(last.paid_at), sa.literal(last.id)))
    found = [
        FoundPayment(payment.id, reader, payment.paid_at, Money(payment.amount, payment.currency), number)
        for payment, reader, number in ctx.session.exec(query)
    ]
    return found[:most], found[most - 1].payment_id if len(found) > most else None
