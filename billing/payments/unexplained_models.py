"""The table of charges made in our name that nothing in this database explains."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Field, SQLModel

from billing.cases.models import CaseKind


class UnexplainedCharge(SQLModel, table=True):
    """Money taken in our name for which this database has no subscription. Cents."""

    __tablename__ = "unexplained_charge"
    __table_args__ = (
        sa.CheckConstraint("amount > 0", name="positive"),
        sa.Index("unexplained_charge_kept", "next_poll_at", postgresql_where=sa.text("returned_at IS NULL")),
    )

    charge_ref: str = Field(primary_key=True)
    acquirer: str = Field(primary_key=True)
    intent_ref: str
    customer_ref: str | None = None
    subscription_ref: str
    """The subscription and the period that the charge names."""
    period_number: int
    amount: int
    """What hadn't gone back when it was found."""
    taken_at: datetime
    found_at: datetime
    next_poll_at: datetime
    """When to refund it, or to look the refund up."""
    poll_count: int = Field(default=0)
    refund_ref: str | None = None
    """The refund at the acquirer that is pending or has succeeded."""
    failed_refs: list[str] = Field(
        default_factory=list, sa_column=sa.Column(ARRAY(sa.Text), nullable=False, server_default="{}")
    )
    """Refunds at the acquirer that failed. The next one has another name."""
    awaiting_balance_since: datetime | None = None
    """Since when our balance at the acquirer is too low for it."""
    failure: str | None = None
    given_up_at: datetime | None = None
    """When the last possible refund failed. A person carries on: see the case."""
    not_owed: bool = Field(default=False, sa_column_kwargs={"server_default": sa.false()})
    """Whether it was given up because the money has left us already: a refund in the dashboard, or a dispute."""
    returned_at: datetime | None = None
    """When it went back, by refund or by the bank transfer `paid_back_ref`."""
    paid_back_ref: str | None = None

    @property
    def refund_id(self) -> str:
        """The refund's name in the acquirer's metadata."""
        failed = len(self.failed_refs)
        return f"{self.charge_ref}-{failed + 1}" if failed else self.charge_ref


CASE_IS_OPEN = f"""EXISTS (SELECT FROM staff_case c WHERE c.kind = '{CaseKind.REFUND_FAILED}'
                          AND c.subject = unexplained_charge.charge_ref AND c.closed_at IS NULL)"""
"""SQL about a row of `unexplained_charge`: whether staff have yet to pay or explain one that was given up."""
