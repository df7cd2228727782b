"""The table of refunds, and which of them count."""

from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlmodel import Field

from billing.platform.actors import ActedBy
from billing.platform.db import enum_column


class RefundState(StrEnum):
    """Whether the money went back. Only `succeeded` is money returned (STR-13)."""

    INTENDED = "intended"
    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


GOES_OUT = (RefundState.INTENDED, RefundState.PENDING)
"""Refunds that haven't ended."""
FAILED_UNPAID = "state = 'failed' AND paid_back_at IS NULL"
GIVEN = "(state <> 'failed' OR credit_note_number IS NOT NULL)"
"""SQL: refunds that count against their payment: on their way, gone, owed, or paid by transfer after the acquirer had failed."""


class Refund(ActedBy, table=True):
    """Money on its way back, with the one credit note it gets."""

    __table_args__ = (
        sa.Index("one_refund_a_cause", "cause", unique=True, postgresql_where=sa.text(GIVEN)),
        sa.CheckConstraint("amount > 0", name="positive"),
        sa.CheckConstraint("net + vat = amount", name="adds_up"),
        sa.CheckConstraint(
            "(state = 'succeeded' OR bounced_at IS NOT NULL OR paid_back_at IS NOT NULL) = (credit_note_number IS NOT NULL)",
            name="noted_when_returned",
        ),
        sa.CheckConstraint("bounced_at IS NULL OR state = 'failed'", name="bounced_is_failed"),
        sa.CheckConstraint(
            "paid_back_at IS NULL OR (state = 'failed' AND paid_back_ref IS NOT NULL)",
            name="paid_back_after_failing",
        ),
        sa.CheckConstraint(
            "NOT paid_back_by_card OR paid_back_at IS NOT NULL", name="paid_back_by_card_when_paid"
        ),
        sa.CheckConstraint(
            "awaiting_balance_since IS NULL OR state IN ('intended', 'pending')",
            name="awaits_balance_while_open",
        ),
        sa.CheckConstraint(
            "undone_at IS NULL OR undone_at < held_until AND gateway_ref IS NULL", name="undone"
        ),
        sa.Index("refund_open", "next_poll_at", postgresql_where=sa.text("state IN ('intended', 'pending')")),
        sa.Index(
            "refund_awaiting_balance",
            "awaiting_balance_since",
            postgresql_where=sa.text("awaiting_balance_since IS NOT NULL"),
        ),
        sa.Index("refund_failed_unpaid", "payment_id", postgresql_where=sa.text(FAILED_UNPAID)),
        sa.UniqueConstraint("gateway_ref", "acquirer", name="one_row_a_refund"),
        sa.Index("refund_created", "created_at", "id"),
        sa.Index("refund_amount", "amount", "settled_at", "credit_note_number"),
        sa.Index(
            "refund_settled",
            "settled_at",
            "credit_note_number",
            postgresql_where=sa.text("credit_note_number IS NOT NULL"),
        ),
        sa.Index("refund_paid_back", "paid_back_ref", postgresql_where=sa.text("paid_back_ref IS NOT NULL")),
    )

    id: str = Field(primary_key=True)
    payment_id: str = Field(foreign_key="payment.id", index=True)
    reader_id: str = Field(foreign_key="reader.id", index=True)
    amount: int
    net: int
    vat: int
    state: RefundState = Field(sa_column=enum_column(RefundState))
    cause: str
    """Why it is made, so that one cause never pays twice: `race:pay_…`, `api:<key>`. A failed refund's may come again."""
    reason: str
    idempotency_key: str = Field(unique=True)
    keyed_at: datetime
    """Since when it has this key: an acquirer may forget a key while the refund is still in doubt (STR-5)."""
    key_unusable: bool = Field(default=False)
    """Whether the acquirer failed on this key and repeats that answer."""
    unlisted_since: datetime | None = None
    """Since when the acquirer doesn't list it, if it wasn't sent since (see `SentBefore`)."""
    created_at: datetime
    next_poll_at: datetime
    """When to send it, or to look it up."""
    held_until: datetime | None = None
    """Until when staff may undo it, unsent (see `refunds/grace`)."""
    undone_at: datetime | None = None
    poll_count: int = Field(default=0)
    """How often the outcome stayed unknown."""
    claimed_by: int | None = None
    acquirer: str
    gateway_ref: str | None = None
    mail_key: str | None = Field(default=None, index=True)
    """The key of the mail that announces it together with others; None where its credit note goes out alone."""
    awaiting_balance_since: datetime | None = None
    """Since when our balance at the acquirer is too low for it. It is tried each day."""
    failure: str | None = None
    not_owed: bool = Field(default=False, sa_column_kwargs={"server_default": sa.false()})
    """Whether we don't owe it when it fails: the money had left us, or we had promised nothing. One that bounced is owed all the same."""
    credit_note_number: int | None = Field(default=None, unique=True)
    settled_at: datetime | None = None
    """When it ended: the moment of its credit note, if it has one."""
    bounced_at: datetime | None = None
    """When returned money came back to us. The credit note stands, and we owe the reader the amount (STR-13)."""
    paid_back_at: datetime | None = None
    """When other means paid it, after it had bounced or was refused."""
    paid_back_ref: str | None = None
    """The bank's reference of that transfer, or the acquirer's of another refund that paid it."""
    paid_back_by_card: bool = Field(default=False, sa_column_kwargs={"server_default": sa.false()})
    """Whether another refund, made in the acquirer's dashboard, has paid it to the card."""
