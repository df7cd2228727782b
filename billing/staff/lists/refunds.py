"""The list of refunds, those that failed among them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

import sqlalchemy as sa
from sqlmodel import col

from billing.payments.models import Payment
from billing.payments.refund_models import Refund, RefundState
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
from billing.staff.lists.payments import sold


class RefundProgress(WordedEnum):
    """How far a refund is."""

    UNDER_WAY = "under_way", "on its way"
    RETURNED = "returned", "returned to the card"
    TRANSFERRED = "transferred", "failed, then paid by other means"
    BOUNCED = "bounced", "came back from the bank"
    FAILED = "failed", "failed"


WENT_WRONG = frozenset({RefundProgress.BOUNCED, RefundProgress.FAILED})
"""The reader doesn't have the money."""


@dataclass(frozen=True, slots=True)
class RefundFilter(Filter):
    """Which refunds to list."""

    FIELDS: ClassVar[tuple[Field, ...]] = (
        ChoiceField("state", "State", RefundProgress),
        DaysField("since", "Made"),
        AmountsField("amount", "Amount"),
        NamedField("plan", "Plan"),
    )
    state: RefundProgress | None = None
    since: Days | None = None
    amount: Amounts | None = None
    plan: str | None = None


@dataclass(frozen=True, slots=True)
class RefundRow:
    """A refund. `by`: who caused it, as `ActedBy` has it."""

    refund_id: str
    reader_id: str
    email: str
    made_at: datetime
    amount: Money
    progress: RefundProgress
    credit_note_number: int | None
    reason: str
    by: str


def of_refunds(ctx: TransactionContext, wanted: RefundFilter) -> Listing[RefundRow]:
    """Refunds that fit, the newest first."""
    order = Order(col(Refund.id), place=col(Refund.created_at), read=listing.moment)
    fits = sa.select(*order.columns).where(
        *([_is(wanted.state)] if wanted.state else []),
        *span.moments(col(Refund.created_at), wanted.since, ctx.zone),
        *span.cents(col(Refund.amount), wanted.amount),
        *_of_plan(wanted.plan),
    )
    return Listing(fits, order, _whole, _row)


def _of_plan(plan_id: str | None) -> span.Conditions:
    """It gives back a payment for a period of the plan."""
    return [sa.exists().where(col(Payment.id) == col(Refund.payment_id), *sold(plan_id))] if plan_id else []


def _is(progress: RefundProgress) -> sa.ColumnElement[bool]:
    """`progress_of` in SQL."""
    state, bounced, paid = col(Refund.state), col(Refund.bounced_at), col(Refund.paid_back_at)
    failed = state == RefundState.FAILED
    return {
        RefundProgress.UNDER_WAY: state.in_((RefundState.INTENDED, RefundState.PENDING)),
        RefundProgress.RETURNED: state == RefundState.SUCCEEDED,
        RefundProgress.TRANSFERRED: sa.and_(failed, paid.is_not(None)),
        RefundProgress.BOUNCED: sa.and_(failed, paid.is_(None), bounced.is_not(None)),
        RefundProgress.FAILED: sa.and_(failed, paid.is_(None), bounced.is_(None)),
    }[progress]


def progress_of(refund: Refund) -> RefundProgress:
    """How far it is."""
    if refund.state is RefundState.SUCCEEDED:
        return RefundProgress.RETURNED
    if refund.state is not RefundState.FAILED:
        return RefundProgress.UNDER_WAY
    if refund.paid_back_at is not None:
        return RefundProgress.TRANSFERRED
    return RefundProgress.BOUNCED if refund.bounced_at is not None else RefundProgress.FAILED


def _whole(listed: sa.Subquery) -> sa.Select[*tuple[Any, ...]]:
    query = sa.select(*listed.c, Refund, col(Reader.email)).select_from(listed)
    query = query.join(Refund, col(Refund.id) == listed.c.id)
    return query.join(Reader, col(Reader.id) == col(Refund.reader_id))


def _row(row: Any) -> RefundRow:
    refund: Refund = row.Refund
    return RefundRow(
        refund_id=refund.id,
        reader_id=refund.reader_id,
        email=row.email,
        made_at=refund.created_at,
        amount=Money(refund.amount),
        progress=progress_of(refund),
        credit_note_number=refund.credit_note_number,
        reason=refund.reason,
        by=refund.by,
    )
