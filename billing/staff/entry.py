"""A line of the timeline."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TypeVar

from sqlmodel import Session, col, select

from billing.mail.models import Message
from billing.payments.corrections import InvoiceCorrection
from billing.payments.dispute_models import Dispute
from billing.readers.address_change import AddressChange
from billing.readers.models import Consent, ReaderSession
from billing.staff.models import ReaderNote, ReaderRequest

Row = TypeVar(
    "Row",
    AddressChange,
    Consent,
    Dispute,
    InvoiceCorrection,
    Message,
    ReaderNote,
    ReaderRequest,
    ReaderSession,
)


class EntryKind(StrEnum):
    """What sort of thing happened; the words of the filter."""

    STATE = "subscription"
    CHARGE = "charges"
    REFUND = "refunds"
    DISPUTE = "disputes"
    MAIL = "mails"
    CONSENT = "consents"
    ACT = "staff"
    NOTE = "notes"
    REQUEST = "requests"
    SIGN_IN = "sign-ins"
    ADDRESS = "addresses"


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happened: when, what, by whom, why, and its evidence. `ref` is the row's id.
    Entries of one kind and instant are sorted by it as text, so a number has leading zeros."""

    at: datetime
    kind: EntryKind
    what: str
    ref: str
    by: str = ""
    reason: str = ""
    facts: tuple[tuple[str, str], ...] = ()


def present(*facts: tuple[str, str | None]) -> tuple[tuple[str, str], ...]:
    """The facts that have a value."""
    return tuple((name, value) for name, value in facts if value)


def newest(session: Session, table: type[Row], reader_id: str, most: int) -> Sequence[Row]:
    """The reader's rows of a table, newest first."""
    rows = select(table).where(table.reader_id == reader_id).order_by(col(table.id).desc()).limit(most)
    return session.exec(rows).all()
