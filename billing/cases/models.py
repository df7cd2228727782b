"""The table of cases."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from billing.platform.actors import ClosedBy
from billing.rules.money import BASE_CURRENCY
from billing.rules.worded import WordedEnum


class CaseKind(WordedEnum):
    """What sort of thing was found; each member's `words` say it to people."""

    UNKNOWN_CHARGE = "unknown_charge", "The acquirer took money that we have no payment for"
    MISSING_CHARGE = "missing_charge", "We have a payment that the acquirer knows nothing of"
    OTHER_AMOUNT = "other_amount", "The acquirer moved another amount than we wrote down"
    UNKNOWN_REFUND = "unknown_refund", "The acquirer returned money that we have no refund for"
    MISSING_REFUND = "missing_refund", "We have a refund that the acquirer knows nothing of"
    UNKNOWN_DISPUTE = "unknown_dispute", "A bank took back a charge that we have no payment for"
    MISSING_DISPUTE = "missing_dispute", "We have a dispute that moved no money at the acquirer"
    UNEXPECTED_MOVEMENT = "unexpected_movement", "The acquirer changed our balance for a reason we don't know"
    NOT_COMPARED = "not_compared", "Something at the acquirer could not be compared with our books"
    PAYOUT_SUM = "payout_sum", "A payout isn't the sum of what it pays out"
    REFUND_FAILED = "refund_failed", "A refund didn't reach the reader: pay it by other means"
    REFUNDS_WAIT = "refunds_wait", "Our balance at the acquirer is too low for refunds: top it up"
    DISPUTE = "dispute", "A bank disputes a charge and wants an answer"
    PROMISE_BROKEN = "promise_broken", "One of our promises is broken in our own books"
    PROMISE_UNASKED = "promise_unasked", "Whether one of our promises is kept can't be asked"
    DOCTOR_LATE = "doctor_late", "Whether our promises are kept hasn't been asked as it should be each night"
    BILLING_LATE = "billing_late", "Charges are due, and no billing run finishes"
    OUTAGE = "outage", "No worker was there for a while, and what fell due then is done late"
    MAIL_NOT_WRITTEN = "mail_not_written", "Mails can't be written and wait: mend the cause, and they go out"
    TOOK_OVER = "took_over", "A standby took over from a server that failed, perhaps without its last commits"
    MONEY_HELD = "money_held", "Nobody is charged until what happened at the acquirer is known here"
    NOT_TAKEN_IN = "not_taken_in", "Something happened at the acquirer that could not be written down here"
    LOST_START = "lost_start", "A reader began after the backup that was restored: ask them to begin again"
    CHARGE_REFUSED = (
        "charge_refused",
        "The acquirer won't make a charge, and not because of the card: mend the cause, then close the case, and it is tried again",
    )
    FRAUD_WARNING = "fraud_warning", "A card's issuer warns that a charge looks fraudulent"
    UNREACHABLE = "unreachable", "A reader's mail address refuses the notices before a charge"
    ADDRESS_STOPPED = (
        "address_stopped",
        "A reader stopped a change of address, and the old one has an account of its own: find out whose account it is",
    )
    KEY_EXPIRES = "key_expires", "An API key stops working soon: rotate it, or let it end"
    KEY_LIMIT = "key_limit", "A program was refused what is beyond the ceiling of its API key: is it ours?"


class Case(ClosedBy, table=True):
    """Something that doesn't add up, or needs a decision. One case for each subject, for ever: what was explained stays so."""

    __tablename__ = "staff_case"
    __table_args__ = (
        sa.UniqueConstraint("kind", "subject", name="opened_once"),
        sa.Index("staff_case_open", "opened_at", postgresql_where=sa.text("closed_at IS NULL")),
        sa.Index("staff_case_next", "act_by", "id", postgresql_where=sa.text("closed_at IS NULL")),
        sa.Index("staff_case_closed", "closed_at", "id", postgresql_where=sa.text("closed_at IS NOT NULL")),
        sa.CheckConstraint("(closed_at IS NULL) = (closed_by_id IS NULL)", name="closed_by_somebody"),
        sa.CheckConstraint("(closed_at IS NULL) = (reason IS NULL)", name="closed_with_a_reason"),
    )

    id: str = Field(primary_key=True)
    kind: str
    """One of `CaseKind`; text without a CHECK, so that a new kind needs no migration."""
    subject: str
    """Id of the thing it is about, ours or the acquirer's."""
    what: str
    """A sentence for people."""
    reader_id: str | None = Field(default=None, foreign_key="reader.id", index=True)
    ours: int | None = Field(default=None, sa_type=sa.BigInteger)
    """Minor units (cents) in our books; None where they have none, or it isn't about an amount."""
    theirs: int | None = Field(default=None, sa_type=sa.BigInteger)
    """Minor units (cents) at the acquirer."""
    currency: str = BASE_CURRENCY
    """Of both amounts."""
    facts: dict[str, Any] = Field(sa_column=sa.Column(JSONB, nullable=False))
    """Evidence, as words by name."""
    link: str | None = None
    """The page of ours on which staff can act on it."""
    act_by: datetime | None = None
    """The deadline to act; None also once it waits for the bank."""
    waits_since: datetime | None = None
    """Since when it waits for the bank and not for us."""
    opened_at: datetime
    closed_at: datetime | None = None
    reason: str | None = None
