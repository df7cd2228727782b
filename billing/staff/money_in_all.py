"""What a reader has paid in all, and what of it reached them again."""

import sqlalchemy as sa
from sqlmodel import Session, col, func, select

from billing.payments.models import Payment
from billing.payments.refund_models import Refund, RefundState
from billing.rules.money import Money


def money_in_all(session: Session, reader_id: str) -> tuple[Money, Money]:
    """All payments, duplicates too; and the refunds that arrived by card or by other means."""
    paid = select(func.coalesce(func.sum(Payment.amount), 0)).where(Payment.reader_id == reader_id)
    arrived = sa.or_(col(Refund.state) == RefundState.SUCCEEDED, col(Refund.paid_back_at).is_not(None))
    returned = select(func.coalesce(func.sum(Refund.amount), 0)).where(Refund.reader_id == reader_id, arrived)
    return Money(int(session.exec(paid).one())), Money(int(session.exec(returned).one()))
