"""The table of the rates of VAT."""

from datetime import date, datetime

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from billing.rules.tax import VatRate


class StoredVatRate(SQLModel, table=True):
    """A rate of VAT, from a day on until the next one begins (VAT-1)."""

    __tablename__ = "vat_rate"
    __table_args__ = (sa.CheckConstraint("basis_points BETWEEN 0 AND 10000", name="is_a_part"),)

    from_on: date = Field(primary_key=True)
    basis_points: int
    """1500 is 15%."""
    added_at: datetime

    @property
    def rate(self) -> VatRate:
        """As a value."""
        return VatRate(self.basis_points, self.from_on)
