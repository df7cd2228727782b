"""Tables about charges that a bank takes back."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from billing.acquirer.balance_port import DisputeState
from billing.platform.actors import SentBy
from billing.platform.db import enum_column

OPEN = (DisputeState.NEEDS_ANSWER, DisputeState.ANSWERED)


class Dispute(SentBy, table=True):
    """A bank's claim that a charge wasn't right. An inquiry asks first and takes nothing; a chargeback has the money."""

    __table_args__ = (
        sa.CheckConstraint("amount > 0", name="positive"),
        sa.CheckConstraint(
            "(state IN ('won', 'lost', 'closed')) = (decided_at IS NOT NULL)", name="decided_or_open"
        ),
        sa.CheckConstraint("inquiry OR state <> 'closed'", name="only_an_inquiry_is_closed"),
        sa.CheckConstraint("NOT inquiry OR state NOT IN ('won', 'lost')", name="an_inquiry_decides_nothing"),
        sa.UniqueConstraint("gateway_ref", "acquirer", name="one_row_a_dispute"),
        sa.Index("dispute_open", "answer_by", postgresql_where=sa.text("decided_at IS NULL")),
        sa.Index("dispute_opened", "opened_at"),
        sa.Index("dispute_answered_next", "answer_at", postgresql_where=sa.text("answer_at IS NOT NULL")),
        sa.CheckConstraint(
            "answer_at IS NULL OR state = 'needs_answer'", name="only_an_open_question_is_answered"
        ),
    )

    id: str = Field(primary_key=True)
    payment_id: str = Field(foreign_key="payment.id", index=True)
    reader_id: str = Field(foreign_key="reader.id", index=True)
    acquirer: str
    gateway_ref: str
    amount: int
    """Cents in dispute: all of the payment, or a part."""
    reason: str
    """The bank's, in the acquirer's word: fraudulent, subscription_canceled, …"""
    state: DisputeState = Field(sa_column=enum_column(DisputeState))
    inquiry: bool
    opened_at: datetime
    seen_at: datetime
    """When we first heard of it."""
    answer_by: datetime | None = None
    decided_at: datetime | None = None
    evidence: dict[str, Any] = Field(sa_column=sa.Column(JSONB, nullable=False))
    """The reader's consent, notices, sign-ins and reading as known when it came. Kept here, because retention deletes some of
    it."""
    answer: dict[str, str] = Field(
        default_factory=dict, sa_column=sa.Column(JSONB, nullable=False, server_default="{}")
    )
    """The texts of our answer by `EvidenceField`, as staff kept them, or as they were sent; empty before."""
    answer_files: dict[str, str] = Field(
        default_factory=dict, sa_column=sa.Column(JSONB, nullable=False, server_default="{}")
    )
    """The acquirer's references of uploaded documents by `EvidenceFile`."""
    answer_at: datetime | None = None
    """When the system sends the answer, or tries again; None where it doesn't."""
    sent_at: datetime | None = None
    """When the evidence was sent to the bank, by the one named in `sent_by`."""

    @property
    def takes(self) -> bool:
        """Whether the bank has the money, for now or for good."""
        return not self.inquiry and self.state in (*OPEN, DisputeState.LOST)

    @property
    def open(self) -> bool:
        """Whether the bank has yet to decide."""
        return self.state in OPEN
