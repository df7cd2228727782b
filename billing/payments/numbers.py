"""Numbers without gaps, taken in the transaction that uses them: a rollback gives them back (VAT-9)."""

import sqlalchemy as sa
from sqlmodel import Session

INVOICES = "invoices"
CREDIT_NOTES = "credit_notes"
_TAKE = sa.text(
    "INSERT INTO number_series (name, last) VALUES (:name, :count)"
    " ON CONFLICT (name) DO UPDATE SET last = number_series.last + EXCLUDED.last RETURNING last"
)


def next_numbers(session: Session, series: str, count: int = 1) -> int:
    """The next number of the series, or the first of the next `count`. The series stays locked until the transaction ends, so
    take numbers last."""
    last = int(session.execute(_TAKE, {"name": series, "count": count}).scalar_one())
    return last - count + 1


def invoice_number(number: int) -> str:
    """As printed on a tax invoice."""
    return f"INV-{number:06d}"


def credit_note_number(number: int) -> str:
    """As printed on a credit note."""
    return f"CN-{number:06d}"
