"""Numbers without gaps: taken in the transaction that uses them, so one that is rolled back was never given (VAT-9)."""

import sqlalchemy as sa
from sqlmodel import Session

INVOICES = "invoices"
CREDIT_NOTES = "credit_notes"
_TAKE = sa.text(
    "INSERT INTO number_series (name, last) VALUES (:name, 1)"
    " ON CONFLICT (name) DO UPDATE SET last = number_series.last + 1 RETURNING last"
)


def take(session: Session, series: str) -> int:
    """The next number of the series. The series stays locked until the transaction ends, so take it last."""
    return int(session.execute(_TAKE, {"name": series}).scalar_one())


def invoice_number(number: int) -> str:
    """As printed on a tax invoice."""
    return f"INV-{number:06d}"


def credit_note_number(number: int) -> str:
    """As printed on a credit note."""
    return f"CN-{number:06d}"
