"""The list of payments, with what has gone back of each."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

import sqlalchemy as sa
from sqlmodel import col

from billing.payments.models import Attempt, Invoice, Payment, PaymentMethod
from billing.payments.refund_models import GIVEN, Refund
from billing.platform.context import TransactionContext
from billing.readers.models import Reader
from billing.rules.money import Money
from billing.rules.worded import WordedEnum
from billing.staff.lists import listing, span
from billing.staff.lists.fields import (
    Amounts,
    AmountsField,
    ChoiceField,
    Days,
    DaysField,
    Field,
    Filter,
    NamedField,
)
from billing.staff.lists.listing import Listing, Order


class Returned(WordedEnum):
    """Whether money of a payment went back."""

    NOTHING = "nothing", "nothing went back"
    SOMETHING = "something", "something went back, or is on its way"


@dataclass(frozen=True, slots=True)
class PaymentFilter(Filter):
    """Which payments to list."""

    FIELDS: ClassVar[tuple[Field, ...]] = (
        DaysField("since", "Paid"),
        AmountsField("amount", "Amount"),
        ChoiceField("returned", "Returned", Returned),
        NamedField("plan", "Plan"),
    )
    since: Days | None = None
    amount: Amounts | None = None
    returned: Returned | None = None
    plan: str | None = None


@dataclass(frozen=True, slots=True)
class ListedPayment:
    """A payment, VAT included. `number`: of its tax invoice in force. `returned`: what went back, or is on its way."""

    payment_id: str
    reader_id: str
    email: str
    paid_at: datetime
    number: int
    description: str
    amount: Money
    returned: Money | None
    twice: bool
    card_brand: str
    card_last4: str
    charge_ref: str


def of_payments(ctx: TransactionContext, wanted: PaymentFilter) -> Listing[ListedPayment]:
    """Payments that fit, the newest first."""
    order = Order(col(Payment.id), place=col(Payment.paid_at), read=listing.moment)
    gone_back = sa.exists().where(col(Refund.payment_id) == col(Payment.id), sa.text(GIVEN))
    went = (
        []
        if wanted.returned is None
        else [gone_back if wanted.returned is Returned.SOMETHING else ~gone_back]
    )
    fits = sa.select(*order.columns).where(
        *span.moments(col(Payment.paid_at), wanted.since, ctx.zone),
        *span.cents(col(Payment.amount), wanted.amount),
        *went,
        *sold(wanted.plan),
    )
    return Listing(fits, order, _whole, _row)


def sold(plan_id: str | None) -> span.Conditions:
    """The payment is for a period of the plan; the subscription may have another one by now."""
    if not plan_id:
        return []
    of_plan = sa.exists().where(
        col(Invoice.id) == col(Payment.invoice_id),
        col(Invoice.plan_id) == plan_id,
        col(Invoice.number).is_not(None),  # as each that was paid is; the index of plans has no others
    )
    return [of_plan]


def _whole(listed: sa.Subquery) -> sa.Select[*tuple[Any, ...]]:
    returned = sa.select(sa.func.sum(col(Refund.amount))).where(
        col(Refund.payment_id) == col(Payment.id), sa.text(GIVEN)
    )
    return (
        sa.select(
            *listed.c,
            col(Payment.reader_id),
            col(Reader.email),
            col(Payment.paid_at),
            col(Invoice.number),
            col(Invoice.description),
            col(Payment.amount),
            col(Payment.currency),
            col(Payment.duplicate),
            col(PaymentMethod.brand),
            col(PaymentMethod.last4),
            col(Payment.charge_ref),
            returned.scalar_subquery().label("returned"),
        )
        .select_from(listed)
        .join(Payment, col(Payment.id) == listed.c.id)
        .join(Reader, col(Reader.id) == col(Payment.reader_id))
        .join(Invoice, col(Invoice.id) == col(Payment.invoice_id))
        .join(Attempt, col(Attempt.id) == col(Payment.attempt_id))
        .join(PaymentMethod, col(PaymentMethod.id) == col(Attempt.payment_method_id))
    )


def _row(row: Any) -> ListedPayment:
    return ListedPayment(
        payment_id=row.id,
        reader_id=row.reader_id,
        email=row.email,
        paid_at=row.paid_at,
        number=row.number or 0,
        description=row.description,
        amount=Money(row.amount, row.currency),
        returned=Money(row.returned, row.currency) if row.returned else None,
        twice=row.duplicate,
        card_brand=row.brand,
        card_last4=row.last4,
        charge_ref=row.charge_ref,
    )
